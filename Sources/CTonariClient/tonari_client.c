#define TONARI_CLIENT_IMPLEMENTATION
#include "tonari_client.h"
