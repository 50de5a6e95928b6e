package pickle

import (
	"errors"
	"fmt"
	"slices"
)

func (m *machine) tuple(op byte) error {
	var values []any
	var err error
	if op == opTuple {
		values, err = m.popMark()
	} else {
		values, err = m.pop(int(op-opTuple1) + 1)
	}
	if err == nil {
		m.push(Tuple(slices.Clone(values)))
	}
	return err
}

// items takes the operands of an opcode that adds to a container: those since the mark, or single of them. The container stays on the
// stack.
func (m *machine) items(sinceMark bool, single int) (items []any, to any, err error) {
	if sinceMark {
		items, err = m.popMark()
	} else {
		items, err = m.pop(single)
	}
	if err != nil {
		return nil, nil, err
	}
	to, err = m.top()
	return items, to, err
}

func (m *machine) extend(op byte) error {
	items, to, err := m.items(op == opAppends, 1)
	if err != nil {
		return err
	}
	list, ok := to.(*List)
	if !ok {
		return fmt.Errorf("found items for %s, expected a list", Kind(to))
	}
	list.Items = append(list.Items, items...)
	return nil
}

func (m *machine) set(op byte) error {
	items, to, err := m.items(op == opSetItems, 2)
	if err != nil {
		return err
	}
	dict, ok := to.(*Dict)
	if !ok {
		return fmt.Errorf("found items for %s, expected a dict", Kind(to))
	}
	if len(items)%2 != 0 {
		return errors.New("found a key without a value; the file is damaged")
	}
	for i := 0; i < len(items); i += 2 {
		dict.Keys, dict.Values = append(dict.Keys, items[i]), append(dict.Values, items[i+1])
	}
	return nil
}

// remember puts the newest value into the memo, or a value of the memo on the stack.
func (m *machine) remember(op byte) error {
	width := int64(1)
	if op == opLongPut || op == opLongGet {
		width = 4
	}
	n, err := m.r.uint(width)
	if err != nil {
		return err
	}
	key := uint32(n)
	if op == opPut || op == opLongPut {
		v, err := m.top()
		m.memo[key] = v
		return err
	}
	v, ok := m.memo[key]
	if !ok {
		return fmt.Errorf("found a reference to value %d, which was not kept; the file is damaged", key)
	}
	m.push(v)
	return nil
}

func (m *machine) global() error {
	module, err := m.r.line()
	if err != nil {
		return err
	}
	name, err := m.r.line()
	if err != nil {
		return err
	}
	v, err := m.rules.Global(module, name)
	m.push(v)
	return err
}

func (m *machine) reduce() error {
	operands, err := m.pop(2)
	if err != nil {
		return err
	}
	args, ok := operands[1].(Tuple)
	if !ok {
		return fmt.Errorf("found a call with %s, expected a tuple of arguments", Kind(operands[1]))
	}
	v, err := m.rules.Call(operands[0], args)
	m.push(v)
	return err
}

// build sets the attributes of an object, which must be a dict: of the others a file of weights has no use.
func (m *machine) build() error {
	operands, err := m.pop(1)
	if err != nil {
		return err
	}
	to, err := m.top()
	if err != nil {
		return err
	}
	dict, ok := to.(*Dict)
	attributes, ok2 := operands[0].(*Dict)
	if !ok || !ok2 || dict.Attributes != nil {
		return fmt.Errorf("found a state, %s, for %s, expected one dict of attributes for an OrderedDict", Kind(operands[0]), Kind(to))
	}
	dict.Attributes = attributes
	return nil
}

func (m *machine) persistent() error {
	operands, err := m.pop(1)
	if err != nil {
		return err
	}
	v, err := m.rules.Persistent(operands[0])
	m.push(v)
	return err
}
