package gguf

import (
	"errors"
	"fmt"
	"math"
)

// ErrNoKey is wrapped by the error of a metadata accessor whose key the file does not have.
var ErrNoKey = errors.New("the file does not have it")

// Keys lists the metadata's keys in the file's order. The caller must not change the list.
func (f *File) Keys() []string { return f.keys }

// Has reports whether the metadata has key.
func (f *File) Has(key string) bool {
	_, ok := f.values[key]
	return ok
}

// Kind returns the kind of the key's value, and that of its elements where it is an array. ok is false where there is no such key.
func (f *File) Kind(key string) (kind, element Kind, ok bool) {
	v, ok := f.values[key]
	return v.kind, v.element, ok
}

// Architecture is the text of general.architecture, such as "llama": the first part of the keys that say how the model is built.
func (f *File) Architecture() (string, error) { return f.String("general.architecture") }

// wrongKind is the error of a key whose value is not what was asked for.
func wrongKind(key string, v value, expected string) error {
	return fmt.Errorf("key %q is %v; %s was expected", key, v, expected)
}

// value is the key's value, or an error that wraps ErrNoKey.
func (f *File) value(key, expected string) (value, error) {
	v, ok := f.values[key]
	if !ok {
		return v, fmt.Errorf("key %q, %s: %w", key, expected, ErrNoKey)
	}
	return v, nil
}

// String returns the key's text. It may be no UTF-8.
func (f *File) String(key string) (string, error) {
	v, err := f.value(key, "string")
	if err == nil && v.kind != KindString {
		err = wrongKind(key, v, "string")
	}
	return v.text, err
}

// Int returns the key's number, of whichever integer kind. One that does not fit an int64 is an error.
func (f *File) Int(key string) (int64, error) {
	const expected = "an integer"
	v, err := f.value(key, expected)
	if err != nil {
		return 0, err
	}
	if !integer(v.kind) {
		return 0, wrongKind(key, v, expected)
	}
	n, ok := v.int(0)
	if !ok {
		return 0, fmt.Errorf("key %q is %d; at most %d was expected", key, v.bits(0), int64(math.MaxInt64))
	}
	return n, nil
}

// Uint returns the key's number, of whichever integer kind. A negative one is an error.
func (f *File) Uint(key string) (uint64, error) {
	const expected = "an integer of 0 or more"
	v, err := f.value(key, expected)
	if err != nil {
		return 0, err
	}
	if !integer(v.kind) {
		return 0, wrongKind(key, v, expected)
	}
	if v.kind == KindU64 {
		return v.bits(0), nil
	}
	n, _ := v.int(0)
	if n < 0 {
		return 0, fmt.Errorf("key %q is %d; %s was expected", key, n, expected)
	}
	return uint64(n), nil
}

// Float returns the key's number, f32 or f64.
func (f *File) Float(key string) (float64, error) {
	const expected = "f32 or f64"
	v, err := f.value(key, expected)
	if err != nil {
		return 0, err
	}
	if v.kind != KindF32 && v.kind != KindF64 {
		return 0, wrongKind(key, v, expected)
	}
	return v.float(0), nil
}

// Bool returns the key's bool.
func (f *File) Bool(key string) (bool, error) {
	v, err := f.value(key, "bool")
	if err != nil {
		return false, err
	}
	if v.kind != KindBool {
		return false, wrongKind(key, v, "bool")
	}
	return v.bits(0) == 1, nil
}

// Strings returns the key's array of texts. The caller must not change it.
func (f *File) Strings(key string) ([]string, error) {
	const expected = "an array of string"
	v, err := f.value(key, expected)
	if err == nil && (v.kind != KindArray || v.element != KindString) {
		err = wrongKind(key, v, expected)
	}
	return v.texts, err
}

// Floats returns the key's array of f32 or f64.
func (f *File) Floats(key string) ([]float64, error) {
	const expected = "an array of f32 or f64"
	v, err := f.value(key, expected)
	if err != nil {
		return nil, err
	}
	if v.kind != KindArray || v.element != KindF32 && v.element != KindF64 {
		return nil, wrongKind(key, v, expected)
	}
	floats := make([]float64, v.len())
	for i := range floats {
		floats[i] = v.float(i)
	}
	return floats, nil
}

// Ints returns the key's array of integers, of whichever kind. One that does not fit an int64 is an error.
func (f *File) Ints(key string) ([]int64, error) {
	const expected = "an array of integers"
	v, err := f.value(key, expected)
	if err != nil {
		return nil, err
	}
	if v.kind != KindArray || !integer(v.element) {
		return nil, wrongKind(key, v, expected)
	}
	ints := make([]int64, v.len())
	for i := range ints {
		n, ok := v.int(i)
		if !ok {
			return nil, fmt.Errorf("key %q has %d at place %d; at most %d was expected", key, v.bits(i), i, int64(math.MaxInt64))
		}
		ints[i] = n
	}
	return ints, nil
}

// Bools returns the key's array of bools.
func (f *File) Bools(key string) ([]bool, error) {
	const expected = "an array of bool"
	v, err := f.value(key, expected)
	if err != nil {
		return nil, err
	}
	if v.kind != KindArray || v.element != KindBool {
		return nil, wrongKind(key, v, expected)
	}
	bools := make([]bool, v.len())
	for i := range bools {
		bools[i] = v.bits(i) == 1
	}
	return bools, nil
}
