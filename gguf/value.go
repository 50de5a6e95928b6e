package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Kind is the type of a metadata value; its values are the format's.
type Kind uint32

// The kinds of values.
const (
	KindU8 Kind = iota
	KindI8
	KindU16
	KindI16
	KindU32
	KindI32
	KindF32
	KindBool
	KindString
	KindArray
	KindU64
	KindI64
	KindF64
)

var kindNames = [...]string{"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"}

// kindSizes has the bytes of a value; for a string and an array those of its length fields.
var kindSizes = [...]int64{1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8}

// String returns a name such as "u32" or "string".
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", uint32(k))
	}
	return kindNames[k]
}

// value is one metadata value.
type value struct {
	kind    Kind
	element Kind     // of an array
	text    string   // of a string
	raw     []byte   // of a number or bool, or of an array of them, as in the file: memory is then bounded by the file's size
	texts   []string // of an array of strings
}

// String says what the value is, such as "u32" or "array of 3 string".
func (v value) String() string {
	if v.kind != KindArray {
		return v.kind.String()
	}
	return fmt.Sprintf("array of %d %v", v.len(), v.element)
}

// len is the number of an array's elements, and 1 for a number.
func (v value) len() int {
	switch {
	case v.kind != KindArray:
		return 1
	case v.element == KindString:
		return len(v.texts)
	}
	return len(v.raw) / int(kindSizes[v.element])
}

// numbers is the kind of the value's numbers: the element's in an array.
func (v value) numbers() Kind {
	if v.kind == KindArray {
		return v.element
	}
	return v.kind
}

// int is number i; ok is false where it is none, or does not fit.
func (v value) int(i int) (n int64, ok bool) {
	k := v.numbers()
	if !integer(k) {
		return 0, false
	}
	bits := v.bits(i)
	switch k {
	case KindI8:
		return int64(int8(bits)), true
	case KindI16:
		return int64(int16(bits)), true
	case KindI32:
		return int64(int32(bits)), true
	}
	return int64(bits), k == KindI64 || bits <= math.MaxInt64
}

// float is number i of F32 or F64.
func (v value) float(i int) float64 {
	if v.numbers() == KindF32 {
		return float64(math.Float32frombits(uint32(v.bits(i))))
	}
	return math.Float64frombits(v.bits(i))
}

// bits is number i without regard to its kind.
func (v value) bits(i int) uint64 {
	size := int(kindSizes[v.numbers()])
	var wide [8]byte
	copy(wide[:], v.raw[i*size:(i+1)*size])
	return binary.LittleEndian.Uint64(wide[:])
}

func integer(k Kind) bool { return k <= KindI32 || k == KindU64 || k == KindI64 }

// readValue reads the kind and the value of key.
func readValue(r *reader, key string) value {
	v := value{kind: Kind(r.u32())}
	if r.err == nil && int(v.kind) >= len(kindNames) {
		r.fail(malformed("key %q has a value of kind %d; 0 to %d were expected", key, uint32(v.kind), len(kindNames)-1))
	}
	switch {
	case r.err != nil:
	case v.kind == KindArray:
		readArray(r, key, &v)
	case v.kind == KindString:
		v.text = r.text(fmt.Sprintf("the text of key %q", key))
	default:
		readNumbers(r, key, &v, 1)
	}
	return v
}

func readArray(r *reader, key string, v *value) {
	v.element = Kind(r.u32())
	if r.err == nil && (int(v.element) >= len(kindNames) || v.element == KindArray) {
		r.fail(malformed("key %q has an array of %v; arrays of numbers, bool or string are read", key, v.element))
	}
	if r.err != nil {
		return
	}
	what := fmt.Sprintf("the array of key %q", key)
	n := r.count(what, kindSizes[v.element])
	if v.element != KindString {
		readNumbers(r, key, v, n)
		return
	}
	v.texts = make([]string, n)
	for i := range v.texts {
		v.texts[i] = r.text(what)
	}
}

// readNumbers reads n numbers or bools.
func readNumbers(r *reader, key string, v *value, n int) {
	k := v.numbers()
	v.raw = make([]byte, n*int(kindSizes[k]))
	r.fill(v.raw)
	if k != KindBool {
		return
	}
	for _, b := range v.raw {
		if b > 1 {
			r.fail(malformed("key %q has the bool %d; 0 or 1 was expected", key, b))
		}
	}
}
