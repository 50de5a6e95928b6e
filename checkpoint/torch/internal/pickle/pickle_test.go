package pickle_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/longspan/longspan/checkpoint/torch/internal/pickle"
)

// names are rules that know one function, which gives its arguments, and that give an id as the object itself.
type names struct{}

func (names) Global(module, name string) (any, error) {
	if module != "test" {
		return nil, fmt.Errorf("found the global %s.%s", module, name)
	}
	return name, nil
}

func (names) Call(f any, args pickle.Tuple) (any, error) {
	if f != "call" {
		return nil, errors.New("found no function")
	}
	return args, nil
}

func (names) Persistent(id any) (any, error) { return pickle.Tuple{"object", id}, nil }

func read(text string) (any, *pickle.Reader, error) {
	r := pickle.NewReader(strings.NewReader(text), int64(len(text)))
	v, err := r.Read(names{})
	return v, r, err
}

// The values were written by Python's pickle.dumps(value, 2), or by hand where it takes another way.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       any
	}{
		{"None", "\x80\x02N.", nil},
		{"bools", "\x80\x02\x88\x89\x86q\x00.", pickle.Tuple{true, false}},
		{"small integers", "\x80\x02(K\x07M\x2c\x01J\xfe\xff\xff\xfft.", pickle.Tuple{int64(7), int64(300), int64(-2)}},
		{"long integers", "(\x8a\x05\x00\x00\x00\x00\x01\x8a\x01\xff\x8a\x00\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7ft.",
			pickle.Tuple{int64(1 << 32), int64(-1), int64(0), int64(1<<63 - 1)}},
		{"float", "\x80\x02G?\xf8\x00\x00\x00\x00\x00\x00.", 1.5},
		{"text", "\x80\x02X\x03\x00\x00\x00\xc3\xa9aq\x00.", "éa"},
		{"text of Python 2", "U\x02ab.", "ab"},
		{"tuples", "()K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87(tt.", pickle.Tuple{pickle.Tuple{}, pickle.Tuple{int64(1)},
			pickle.Tuple{int64(1), int64(2)}, pickle.Tuple{int64(1), int64(2), int64(3)}, pickle.Tuple{}}},
		{"list", "\x80\x02]q\x00(K\x01K\x02e.", &pickle.List{Items: []any{int64(1), int64(2)}}},
		{"list of one", "]K\x01a.", &pickle.List{Items: []any{int64(1)}}},
		{"dict", "\x80\x02}q\x00(K\x01K\x02K\x03Nu.", &pickle.Dict{Keys: []any{int64(1), int64(3)}, Values: []any{int64(2), nil}}},
		{"dict of one", "}NNs.", &pickle.Dict{Keys: []any{nil}, Values: []any{nil}}},
		{"attributes", "}}NNsb.", &pickle.Dict{Attributes: &pickle.Dict{Keys: []any{nil}, Values: []any{nil}}}},
		{"memo", "K\x05r\x00\x01\x00\x00j\x00\x01\x00\x00q\x02h\x02\x87.", pickle.Tuple{int64(5), int64(5), int64(5)}},
		{"call", "ctest\ncall\nK\x01\x85R.", pickle.Tuple{int64(1)}},
		{"persistent", "K\x01Q.", pickle.Tuple{"object", int64(1)}},
	} {
		got, r, err := read(c.text)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s: error %v, value (-want +got):\n%s", c.name, err, diff)
		}
		if r.Offset() != int64(len(c.text)) {
			t.Errorf("%s: took %d bytes of %d", c.name, r.Offset(), len(c.text))
		}
	}
}

func TestPicklesThatFollowOneAnother(t *testing.T) {
	text := "K\x01.K\x02.rest"
	r := pickle.NewReader(strings.NewReader(text), int64(len(text)))
	for want := range int64(2) {
		if v, err := r.Read(names{}); err != nil || v != want+1 {
			t.Errorf("found %v, %v; want %d", v, err, want+1)
		}
	}
	if r.Offset() != 6 {
		t.Errorf("took %d bytes, want 6", r.Offset())
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "the file is cut"},
		{"no end", "K\x01", "the file is cut"},
		{"cut number", "J\x01", "the file is cut"},
		{"cut text", "X\xff\xff\xff\x7fab", "the file is cut"},
		{"cut name", "ctest\ncall", "the file is cut"},
		{"long name", "c" + strings.Repeat("x", 300) + "\n", "a global's name of more than 256 bytes"},
		{"another protocol", "\x80\x04N.", "found protocol 4, expected 2"},
		{"two values", "NN.", "found 2 values at the end, expected 1"},
		{"no value", ".", "found 0 values at the end"},
		{"an open mark", "N(.", "expected 1"},
		{"no mark", "t.", "needs more values"},
		{"few values", "N\x86.", "needs more values"},
		{"values before a mark", "NN(\x86.", "needs more values"},
		{"text that is no UTF-8", "X\x01\x00\x00\x00\xff.", "expected UTF-8"},
		{"a large integer", "\x8a\x09" + strings.Repeat("x", 9) + ".", "an integer of 9 bytes"},
		{"items for a tuple", ")NNs.", "found items for a tuple of 0, expected a dict"},
		{"items for a dict", "}Na.", "found items for a dict of 0, expected a list"},
		{"a key alone", "}(Nu.", "a key without a value"},
		{"an unknown reference", "h\x01.", "a reference to value 1, which was not kept"},
		{"nothing to keep", "q\x01.", "needs more values"},
		{"a foreign global", "cos\nsystem\n.", "found the global os.system"},
		{"a call without a tuple", "ctest\ncall\nNR.", "found a call with None, expected a tuple"},
		{"a call of another value", "N)R.", "found no function"},
		{"a state for a list", "]}b.", "found a state, a dict of 0, for a list of 0"},
		{"a state that is a list", "}]b.", "found a state, a list of 0, for a dict of 0"},
		{"two states", "}}b}b.", "expected one dict of attributes"},
		{"INST", "(ios\nsystem\n.", "found the opcode 0x69"},
		{"OBJ", "(cos\nsystem\no.", "found the global os.system"},
		{"NEWOBJ", "ctest\ncall\n)\x81.", "found the opcode 0x81"},
		{"STACK_GLOBAL", "NN\x93.", "found the opcode 0x93"},
		{"many values", strings.Repeat("N", 70_000) + ".", "more than 65536 values"},
		{"many marks", strings.Repeat("(", 70_000) + ".", "more than 65536 values"},
		{"a large pickle", strings.Repeat("\x80\x02", pickle.MaxBytes/2) + "N.", "more than 8388608 bytes of pickle"},
	} {
		_, _, err := read(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "the pickle, at byte") {
			t.Errorf("%s: found the error %v, expected one with the byte and %q", c.name, err, c.want)
		}
	}
}

// A value that holds itself is described in bounded time.
func TestValuesThatHoldThemselves(t *testing.T) {
	v, _, err := read("]q\x00h\x00a.")
	if err != nil {
		t.Fatal(err)
	}
	if got := pickle.Kind(v); got != "a list of 1" {
		t.Errorf("found %q", got)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01u.", "ctest\ncall\nK\x01\x85R.", "]q\x00h\x00aK\x01Q}b.",
		"(\x8a\x02\x00\x01M\x01\x00J\x00\x00\x00\x00G12345678t.",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := pickle.NewReader(bytes.NewReader(b), int64(len(b)))
		v, err := r.Read(names{})
		if r.Offset() > int64(len(b)) {
			t.Fatalf("took %d bytes of %d", r.Offset(), len(b))
		}
		if err == nil {
			_ = pickle.Kind(v)
		}
	})
}
