/* The selector's messages in protobuf-c, on memory that is handed in. */
#ifndef TONARI_CPROTOBUFC_H
#define TONARI_CPROTOBUFC_H

#include "selector.pb-c.h"
#include "tonari_answers.h"
#include "tonari_arena.h"
#include "tonari_decode.h"
#include "tonari_requests.h"

#endif
