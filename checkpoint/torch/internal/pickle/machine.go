package pickle

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// The opcodes that torch.save writes for a dictionary of tensors. GLOBAL, REDUCE, BUILD and BINPERSID are those that would run code.
const (
	opProto          = 0x80
	opStop           = '.'
	opMark           = '('
	opNone           = 'N'
	opTrue           = 0x88
	opFalse          = 0x89
	opInt            = 'J'
	opInt1           = 'K'
	opInt2           = 'M'
	opLong1          = 0x8a
	opFloat          = 'G'
	opUnicode        = 'X'
	opShortString    = 'U' // Python 2's str
	opEmptyTuple     = ')'
	opTuple          = 't'
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opEmptyList      = ']'
	opAppend         = 'a'
	opAppends        = 'e'
	opEmptyDict      = '}'
	opSetItem        = 's'
	opSetItems       = 'u'
	opPut, opLongPut = 'q', 'r'
	opGet, opLongGet = 'h', 'j'
	opGlobal         = 'c'
	opReduce         = 'R'
	opBuild          = 'b'
	opPersistent     = 'Q'
)

// machine is the state of one pickle.
type machine struct {
	r     *Reader
	rules Rules
	stack []any
	marks []int // positions in the stack
	memo  map[uint32]any
}

// run executes opcodes until STOP and returns the value that they built.
func (m *machine) run() (any, error) {
	for {
		op, err := m.r.byte()
		if err != nil {
			return nil, err
		}
		if op == opStop {
			if len(m.stack) != 1 || len(m.marks) != 0 {
				return nil, fmt.Errorf("found %d values at the end, expected 1", len(m.stack))
			}
			return m.stack[0], nil
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
		if len(m.stack)+len(m.marks) > maxStack {
			return nil, fmt.Errorf("found more than %d values that wait to be put together; Python writes batches of 1000", maxStack)
		}
	}
}

func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		return m.protocol()
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		return nil
	case opTuple, opTuple1, opTuple2, opTuple3:
		return m.tuple(op)
	case opAppend, opAppends:
		return m.extend(op)
	case opSetItem, opSetItems:
		return m.set(op)
	case opPut, opLongPut, opGet, opLongGet:
		return m.remember(op)
	case opGlobal:
		return m.global()
	case opReduce:
		return m.reduce()
	case opBuild:
		return m.build()
	case opPersistent:
		return m.persistent()
	}
	v, err := m.constant(op)
	m.push(v)
	return err
}

// protocol reads the pickle's version.
func (m *machine) protocol() error {
	version, err := m.r.byte()
	if err == nil && version != 2 {
		err = fmt.Errorf("found protocol %d, expected 2, which torch.save writes unless told otherwise; "+
			"save the file again without pickle_protocol", version)
	}
	return err
}

// constant returns the value of an opcode that uses nothing of the stack.
func (m *machine) constant(op byte) (any, error) {
	switch op {
	case opNone:
		return nil, nil
	case opTrue, opFalse:
		return op == opTrue, nil
	case opInt:
		v, err := m.r.uint(4)
		return int64(int32(v)), err
	case opInt1:
		v, err := m.r.uint(1)
		return int64(v), err
	case opInt2:
		v, err := m.r.uint(2)
		return int64(v), err
	case opLong1:
		return m.long()
	case opFloat:
		b, err := m.r.bytes(8)
		var bits uint64
		for _, x := range b {
			bits = bits<<8 | uint64(x)
		}
		return math.Float64frombits(bits), err
	case opUnicode:
		return m.text(4)
	case opShortString:
		return m.text(1)
	case opEmptyTuple:
		return Tuple{}, nil
	case opEmptyList:
		return &List{}, nil
	case opEmptyDict:
		return &Dict{}, nil
	}
	return nil, fmt.Errorf("found the opcode %#02x, which torch.save does not write for a dictionary of tensors; "+
		"the file holds something else, or is damaged", op)
}

// long reads an integer whose number of bytes stands before it.
func (m *machine) long() (any, error) {
	n, err := m.r.byte()
	if err != nil {
		return nil, err
	}
	if n > 8 {
		return nil, fmt.Errorf("found an integer of %d bytes, expected at most 8", n)
	}
	v, err := m.r.uint(int64(n))
	unused := 64 - 8*uint(n)
	return int64(v<<unused) >> unused, err // the highest bit of the last byte is the sign
}

// text reads UTF-8 whose length stands before it in width bytes.
func (m *machine) text(width int64) (any, error) {
	n, err := m.r.uint(width)
	if err != nil {
		return nil, err
	}
	b, err := m.r.bytes(int64(n))
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("found the text %q, expected UTF-8", b)
	}
	return string(b), nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// errStack says that an opcode wants values that are not there.
var errStack = errors.New("found an opcode that needs more values than came before it; the file is damaged")

// pop takes the n newest values off the stack, down to the last mark at most.
func (m *machine) pop(n int) ([]any, error) {
	bottom := 0
	if len(m.marks) > 0 {
		bottom = m.marks[len(m.marks)-1]
	}
	if len(m.stack)-n < bottom {
		return nil, errStack
	}
	values := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return values, nil
}

// popMark takes the values after the last mark off the stack, and the mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errStack
	}
	n := len(m.stack) - m.marks[len(m.marks)-1]
	values, err := m.pop(n)
	m.marks = m.marks[:len(m.marks)-1]
	return values, err
}

// top is the newest value, which stays.
func (m *machine) top() (any, error) {
	values, err := m.pop(1)
	if err != nil {
		return nil, err
	}
	m.push(values[0])
	return values[0], nil
}
