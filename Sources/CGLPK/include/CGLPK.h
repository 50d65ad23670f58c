#ifndef TONARI_CGLPK_H
#define TONARI_CGLPK_H

#include <glpk.h>

#endif
