// Package pickle reads Python pickles of protocol 2 as data. It runs nothing: a pickle names the functions that it wants called, and
// here the reader's [Rules] say which names exist and what a call gives.
//
// It knows the opcodes that torch.save writes for a dictionary of tensors, and refuses all others. The format is described in CPython's
// Lib/pickletools.py.
//
// Memory is bounded: an opcode makes at most one value, which takes at most some 64 bytes and 32 for its place in a container, and the
// largest pickle is [MaxBytes]. So half a gigabyte is the worst. A pickle can still describe a graph that is endless to walk, such as a
// list that holds itself. Callers look at the levels that they expect only.
package pickle

import "fmt"

// MaxBytes is the largest size of a pickle. A tensor takes about 110 bytes of one, so this is for some 75,000 tensors.
const MaxBytes = 8 << 20

// maxStack is the largest number of values that wait on the stack. Python writes the items of a dictionary or list in batches of 1000.
const maxStack = 1 << 16

// The values of a pickle are nil, bool, int64, float64, string, Tuple, *List and *Dict, and what Rules give.
type (
	// Tuple is a Python tuple.
	Tuple []any
	// List is a Python list.
	List struct{ Items []any }
	// Dict is a Python dict or OrderedDict. Keys and Values are as long as each other, in the order of the pickle. A key may stand more
	// than once; Python would keep its last value.
	Dict struct {
		Keys, Values []any
		Attributes   *Dict // what the pickle sets on the object itself; nil if nothing
	}
)

// Rules give the values that a pickle builds by names.
type Rules interface {
	// Global returns the object that a pickle calls module.name.
	Global(module, name string) (any, error)
	// Call returns what a call of f, which Global returned, gives.
	Call(f any, args Tuple) (any, error)
	// Persistent returns the object that is kept outside of the pickle under id.
	Persistent(id any) (any, error)
}

// Kind names the Python type of a value, for errors.
func Kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a str"
	case Tuple:
		return fmt.Sprintf("a tuple of %d", len(v))
	case *List:
		return fmt.Sprintf("a list of %d", len(v.Items))
	case *Dict:
		return fmt.Sprintf("a dict of %d", len(v.Keys))
	case fmt.Stringer:
		return v.String()
	}
	return "an object"
}
