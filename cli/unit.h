#ifndef CLI_UNIT_H
#define CLI_UNIT_H

/* Quantities as people write them, both ways. Nothing is guessed: a number that
 * needs a unit and has none is refused. */

#include "base/bytes.h"

/* "512M", "2G", "1.5G", "512MiB" -> MiB, rounded up to a whole one. Units K M G
 * T, powers of 1024, either case, "B" or "iB" may follow.
 * ERR_PARSE, ERR_OVERFLOW. */
MUST_USE enum err unit_parse_mib(const char *text, uint64_t *out_mib);
/* "90s", "10m", "2h", "1h30m", "250ms", "7d" -> ms; zero is ERR_RANGE.
 * ERR_PARSE, ERR_OVERFLOW, ERR_RANGE. */
MUST_USE enum err unit_parse_ms(const char *text, uint64_t *out_ms);
/* "2", "0.5", "0.125" -> thousandths of a core; zero is ERR_RANGE, more than
 * three decimals ERR_PARSE. */
MUST_USE enum err unit_parse_milli(const char *text, uint32_t *out_milli);
/* A whole number within bounds. ERR_PARSE, ERR_RANGE. */
MUST_USE enum err unit_parse_count(const char *text, uint64_t min, uint64_t max,
                                   uint64_t *out);

/* "100M", "2.5G": bits a second -> kbit/s; units K M G, powers of 1000, "bit/s"
 * may follow. ERR_PARSE, ERR_OVERFLOW; zero is ERR_RANGE. */
MUST_USE enum err unit_parse_kbit(const char *text, uint64_t *out_kbit);

#define UNIT_TEXT_MAX 32
/* "512 MiB", "1.5 GiB": at most 9 characters. */
void unit_format_mib(uint64_t mib, char out[UNIT_TEXT_MAX]);
/* "812 B", "4.0 KiB", "12 MiB": at most 9 characters. */
void unit_format_bytes(uint64_t bytes, char out[UNIT_TEXT_MAX]);
/* "850ms", "12.4s", "3m20s", "2h05m", "12d03h": at most 9 characters, larger
 * spans as ">9999d". */
void unit_format_span(uint64_t ms, char out[UNIT_TEXT_MAX]);
/* The same without the fine part: "12s", "3m", "2h", "12d". */
void unit_format_age(uint64_t ms, char out[UNIT_TEXT_MAX]);
/* "0.5", "2", "12.25". */
void unit_format_milli(uint32_t milli, char out[UNIT_TEXT_MAX]);
/* "0.12 ms", "35 ms"; "-" for 0, which is not known. */
void unit_format_us(uint64_t us, char out[UNIT_TEXT_MAX]);
/* "310 M/s"-like rates: "310M", "1.2G". */
void unit_format_rate(uint64_t per_second, char out[UNIT_TEXT_MAX]);
/* "2026-01-31T08:05:09.250Z", RFC 3339; years past 9999 as the last moment of
 * 9999. */
void unit_format_time(uint64_t at_ms, char out[UNIT_TEXT_MAX]);

#endif
