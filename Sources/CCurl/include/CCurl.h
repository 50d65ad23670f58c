#ifndef TONARI_CCURL_H
#define TONARI_CCURL_H

#include <curl/curl.h>

/* curl's variadic functions with the argument types that they take: Swift cannot call variadic ones. Each answers
   what curl answers. */

CURLcode tonari_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode tonari_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
/* curl copies the text; NULL resets the option. */
CURLcode tonari_curl_set_string(CURL *easy, CURLoption option, const char *value);
/* The value must outlive the transfer. */
CURLcode tonari_curl_set_pointer(CURL *easy, CURLoption option, void *value);
/* curl copies the bytes. */
CURLcode tonari_curl_set_blob(CURL *easy, CURLoption option, const void *bytes, size_t count);
CURLcode tonari_curl_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode tonari_curl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value);
CURLMcode tonari_curl_multi_set_long(CURLM *multi, CURLMoption option, long value);

/* Takes bytes of the response; answers how many were taken, or CURL_WRITEFUNC_PAUSE. */
typedef size_t (*tonari_curl_sink)(char *bytes, size_t size, size_t count, void *context);
/* Fills in bytes of the request; answers how many. */
typedef size_t (*tonari_curl_source)(char *bytes, size_t size, size_t count, void *context);
/* Goes back to an offset of the request's body; answers a CURL_SEEKFUNC_ value. */
typedef int (*tonari_curl_rewind)(void *context, curl_off_t offset, int origin);

CURLcode tonari_curl_receive(CURL *easy, tonari_curl_sink head, tonari_curl_sink body, void *context);
CURLcode tonari_curl_send(CURL *easy, tonari_curl_source source, tonari_curl_rewind rewind, void *context);

/* Notices a peer that is gone without a word: probes an idle connection after `seconds` and gives up after as long
   again, both when it is idle and when what was sent is not acknowledged. */
CURLcode tonari_curl_notice_dead_peer(CURL *easy, int seconds);

/* Sends SIGPIPE and all other signals that are not faults to other threads than this one. curl with OpenSSL raises
   SIGPIPE when it writes to a connection that the peer has closed. */
void tonari_curl_block_signals(void);

#endif
