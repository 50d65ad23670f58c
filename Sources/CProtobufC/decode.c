#include "tonari_decode.h"
#include <stdbool.h>

typedef struct {
  const uint8_t *at;
  const uint8_t *end;
} Input;

static TonariVerdict read_number(Input *input, uint64_t *number) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (input->at == input->end) return TONARI_MALFORMED;
    uint8_t byte = *input->at++;
    if (shift == 63 && byte > 1) return byte & 0x80 ? TONARI_MALFORMED : TONARI_UNUSUAL;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (!(byte & 0x80)) {
      *number = value;
      return TONARI_FINE;
    }
  }
  return TONARI_MALFORMED;
}

/* RFC 3629. */
static TonariVerdict check_string(const uint8_t *at, const uint8_t *end) {
  bool has_zero = false;
  while (at < end) {
    uint8_t first = *at++;
    if (first < 0x80) {
      has_zero = has_zero || first == 0;
      continue;
    }
    unsigned more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || (size_t)(end - at) < more) return TONARI_MALFORMED;
    uint8_t second = *at;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
      return TONARI_MALFORMED;
    for (; more > 0; more--)
      if ((*at++ & 0xC0) != 0x80) return TONARI_MALFORMED;
  }
  return has_zero ? TONARI_UNUSUAL : TONARI_FINE;
}

static const ProtobufCFieldDescriptor *find(const ProtobufCMessageDescriptor *type, uint64_t number) {
  for (unsigned i = 0; i < type->n_fields; i++)
    if (type->fields[i].id == number) return &type->fields[i];
  return NULL;
}

static unsigned wire_type(const ProtobufCFieldDescriptor *field) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
  case PROTOBUF_C_TYPE_MESSAGE:
    return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
  case PROTOBUF_C_TYPE_FIXED64:
  case PROTOBUF_C_TYPE_SFIXED64:
  case PROTOBUF_C_TYPE_DOUBLE:
    return PROTOBUF_C_WIRE_TYPE_64BIT;
  case PROTOBUF_C_TYPE_FIXED32:
  case PROTOBUF_C_TYPE_SFIXED32:
  case PROTOBUF_C_TYPE_FLOAT:
    return PROTOBUF_C_WIRE_TYPE_32BIT;
  default:
    return PROTOBUF_C_WIRE_TYPE_VARINT;
  }
}

/* Whether a field may be there only once: for protobuf, messages that are given twice are one in two parts, which
 * protobuf-c puts together wrongly. */
static bool is_single(const ProtobufCFieldDescriptor *field) {
  return field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED;
}

/* Types hold no messages of their own type, directly or through others, so this goes no deeper than they do. */
TonariVerdict tonari_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t length) {
  Input input = {bytes, bytes + length};
  uint64_t seen = 0;
  while (input.at < input.end) {
    uint64_t tag, number;
    const uint8_t *start = input.at;
    TonariVerdict verdict = read_number(&input, &tag);
    if (verdict) return verdict;
    if (tag >> 3 == 0) return TONARI_MALFORMED;
    if (input.at - start > 5 || tag > UINT32_MAX) return TONARI_UNUSUAL;
    unsigned wire = tag & 7;
    const ProtobufCFieldDescriptor *field = find(type, tag >> 3);
    if (wire == 3 || wire == 4) return TONARI_UNUSUAL;
    if (wire > 5) return TONARI_MALFORMED;
    if (field && wire_type(field) != wire) return TONARI_UNUSUAL;
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
      if ((verdict = read_number(&input, &number))) return verdict;
      continue;
    }
    if (wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
      size_t size = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
      if ((size_t)(input.end - input.at) < size) return TONARI_MALFORMED;
      input.at += size;
      continue;
    }
    start = input.at;
    if ((verdict = read_number(&input, &number))) return verdict;
    if (number > (size_t)(input.end - input.at)) return TONARI_MALFORMED;
    if (input.at - start > 5) return TONARI_UNUSUAL;
    if (field && is_single(field)) {
      /* Members of a oneof are one field here. */
      uint64_t bit = 1ull << (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? 63 : field - type->fields);
      if (seen & bit) return TONARI_UNUSUAL;
      seen |= bit;
    }
    if (field && field->type == PROTOBUF_C_TYPE_STRING) verdict = check_string(input.at, input.at + number);
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) verdict = tonari_check(field->descriptor, input.at, number);
    if (verdict) return verdict;
    input.at += number;
  }
  return TONARI_FINE;
}

const Tonari__Selector__V1__Envelope *tonari_decode(
    TonariArena *arena, const uint8_t *bytes, size_t length, TonariVerdict *verdict) {
  *verdict = tonari_check(&tonari__selector__v1__envelope__descriptor, bytes, length);
  if (*verdict) return NULL;
  ProtobufCAllocator allocator = tonari_arena_allocator(arena);
  Tonari__Selector__V1__Envelope *envelope = tonari__selector__v1__envelope__unpack(&allocator, length, bytes);
  if (!envelope) *verdict = TONARI_TOO_LARGE;
  return envelope;
}
