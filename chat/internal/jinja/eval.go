package jinja

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

func (c *constant) eval(*machine, *scope) (any, error) { return c.value, nil }

func (n *name) eval(_ *machine, s *scope) (any, error) {
	if v, ok := s.lookup(n.name); ok {
		return v, nil
	}
	return undefined{n.name}, nil
}

// evalAll evaluates expressions.
func (m *machine) evalAll(all []expr, s *scope) ([]any, error) {
	values := make([]any, len(all))
	for i, e := range all {
		var err error
		if values[i], err = m.eval(e, s); err != nil {
			return nil, err
		}
	}
	return values, m.spend(itemBytes * len(values))
}

func (l *listExpr) eval(m *machine, s *scope) (any, error) {
	items, err := m.evalAll(l.items, s)
	if err != nil {
		return nil, err
	}
	return newList(items, false)
}

func (t *tupleExpr) eval(m *machine, s *scope) (any, error) {
	items, err := m.evalAll(t.items, s)
	if err != nil {
		return nil, err
	}
	return newList(items, true)
}

func (d *dictExpr) eval(m *machine, s *scope) (any, error) {
	keys, err := m.evalAll(d.keys, s)
	if err != nil {
		return nil, err
	}
	values, err := m.evalAll(d.values, s)
	if err != nil {
		return nil, err
	}
	made := &Dict{}
	for i := range keys {
		if err := made.set(keys[i], values[i]); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// eval looks for an attribute, then for a key.
func (a *attribute) eval(m *machine, s *scope) (any, error) {
	of, err := m.eval(a.of, s)
	if err != nil {
		return nil, err
	}
	return attributeOf(of, a.name)
}

func attributeOf(of any, name string) (any, error) {
	switch v := of.(type) {
	case undefined:
		return nil, fmt.Errorf("found the attribute %s of %s, expected a value", clip(name), typeName(of))
	case *loop:
		return v.attribute(name)
	case *namespace:
		if value, ok := v.values[name]; ok {
			return value, nil
		}
	case markup:
		return nil, fmt.Errorf("found the attribute %s of %s, which is not supported", clip(name), typeName(of))
	case *Dict:
		if method, ok := dictMethods[name]; ok {
			return bound(of, name, method), nil
		}
		if value, ok := v.get(name); ok {
			return value, nil
		}
	case string:
		if method, ok := textMethods[name]; ok {
			return bound(of, name, method), nil
		}
		if unsupportedMethods[name] {
			return nil, fmt.Errorf("found the method %s of a string, which is not supported", name)
		}
	case *List:
		if method, ok := listMethods[name]; ok {
			return bound(of, name, method), nil
		}
	}
	return undefined{"the attribute " + clip(name)}, nil
}

// bound is a method of a value.
func bound(of any, name string, method func(c *call, of any) (any, error)) any {
	return function{name, func(c *call) (any, error) { return method(c, of) }}
}

// eval looks for a key or an index, then for an attribute.
func (i *item) eval(m *machine, s *scope) (any, error) {
	of, err := m.eval(i.of, s)
	if err != nil {
		return nil, err
	}
	at, err := m.eval(i.index, s)
	if err != nil {
		return nil, err
	}
	switch v := of.(type) {
	case markup:
		return nil, fmt.Errorf("found an element of %s, which is not supported", typeName(of))
	case *Dict:
		if value, ok := v.get(at); ok {
			return value, nil
		}
	case *List:
		if n, _, isInt, _ := number(at); isInt {
			if value, err := index(v.items, n); err == nil {
				return value, nil
			}
			return undefined{fmt.Sprintf("element %d", n)}, nil
		}
	case string:
		if n, _, isInt, _ := number(at); isInt {
			return m.character(v, n)
		}
	}
	if key, ok := at.(string); ok {
		return attributeOf(of, key)
	}
	if _, ok := of.(undefined); ok {
		return nil, fmt.Errorf("found an element of %s, expected a value", typeName(of))
	}
	return undefined{"an element of " + typeName(of)}, nil
}

// character is the character of a text at n.
func (m *machine) character(text string, n int64) (any, error) {
	runes, err := m.runes(text)
	if err != nil {
		return nil, err
	}
	r, err := index(runes, n)
	if err != nil {
		return undefined{fmt.Sprintf("character %d", n)}, nil
	}
	return string(r), nil
}

// runes are the characters of a text.
func (m *machine) runes(text string) ([]rune, error) {
	if err := m.spend(4 * len(text)); err != nil {
		return nil, err
	}
	return []rune(text), nil
}

func (l *slice) eval(m *machine, s *scope) (any, error) {
	of, err := m.eval(l.of, s)
	if err != nil {
		return nil, err
	}
	var bounds [3]*int64
	for i, e := range []expr{l.from, l.to, l.step} {
		if e == nil {
			continue
		}
		v, err := m.eval(e, s)
		if err != nil {
			return nil, err
		}
		n, _, isInt, _ := number(v)
		if !isInt && v != nil {
			return nil, fmt.Errorf("found %s as the bound of a slice, expected an int", typeName(v))
		}
		if isInt {
			bounds[i] = &n
		}
	}
	if bounds[2] != nil && *bounds[2] == 0 {
		return nil, errors.New("found the step 0 of a slice, expected another")
	}
	switch v := of.(type) {
	case *List:
		some := cut(v.items, bounds)
		if err := m.spend(itemBytes * len(some)); err != nil {
			return nil, err
		}
		return newList(some, v.tuple)
	case string:
		runes, err := m.runes(v)
		if err != nil {
			return nil, err
		}
		return m.text(string(cut(runes, bounds)))
	}
	return nil, fmt.Errorf("found a slice of %s, expected one of a list or text", typeName(of))
}

// cut returns of[bounds₀:bounds₁:bounds₂], as Python does.
func cut[T any](of []T, bounds [3]*int64) (some []T) {
	n, step := int64(len(of)), int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	low, high, from, to := int64(0), n, int64(0), n
	if step < 0 {
		low, high, from, to = -1, n-1, n-1, -1
	}
	place := func(b *int64, absent int64) int64 {
		switch {
		case b == nil:
			return absent
		case *b < 0:
			return max(low, *b+n)
		}
		return min(high, *b)
	}
	from, to = place(bounds[0], from), place(bounds[1], to)
	step = min(max(step, -n-1), n+1) // a longer step takes one element too, and does not overflow
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		some = append(some, of[i])
	}
	return some
}

func (u *unary) eval(m *machine, s *scope) (any, error) {
	v, err := m.eval(u.of, s)
	if err != nil {
		return nil, err
	}
	if u.op == "not" {
		return !truth(v), nil
	}
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		return nil, fmt.Errorf("found %s behind %s, expected a number", typeName(v), u.op)
	case u.op == "+" && isInt:
		return i, nil
	case u.op == "+":
		return f, nil
	case isInt && i == math.MinInt64:
		return nil, errOverflow
	case isInt:
		return -i, nil
	}
	return -f, nil
}

func (c *conditional) eval(m *machine, s *scope) (any, error) {
	v, err := m.eval(c.test, s)
	switch {
	case err != nil:
		return nil, err
	case truth(v):
		return m.eval(c.then, s)
	case c.otherwise == nil:
		return undefined{"an if without else"}, nil
	}
	return m.eval(c.otherwise, s)
}

func (c *comparison) eval(m *machine, s *scope) (any, error) {
	left, err := m.eval(c.first, s)
	if err != nil {
		return nil, err
	}
	for i, op := range c.ops {
		right, err := m.eval(c.rest[i], s)
		if err != nil {
			return nil, err
		}
		ok, err := holds(op, left, right)
		if err != nil || !ok {
			return false, err
		}
		left = right
	}
	return true, nil
}

// holds compares two values.
func holds(op string, left, right any) (bool, error) {
	switch op {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "in":
		return contains(right, left)
	case "not in":
		ok, err := contains(right, left)
		return !ok, err
	}
	order, err := compare(left, right)
	if err != nil {
		return false, err
	}
	return map[string]bool{"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[op], nil
}

func (b *binary) eval(m *machine, s *scope) (any, error) {
	left, err := m.eval(b.left, s)
	if err != nil {
		return nil, err
	}
	if b.op == "and" && !truth(left) || b.op == "or" && truth(left) {
		return left, nil
	}
	right, err := m.eval(b.right, s)
	if err != nil || b.op == "and" || b.op == "or" {
		return right, err
	}
	if b.op == "~" {
		return m.join(left, right)
	}
	return m.operate(b.op, left, right)
}

// join is left ~ right: both as text.
func (m *machine) join(left, right any) (any, error) {
	x, err := m.str(left)
	if err != nil {
		return nil, err
	}
	y, err := m.str(right)
	if err != nil {
		return nil, err
	}
	return m.text(x + y)
}

// operate is left op right of Python, for numbers, strings and lists.
func (m *machine) operate(op string, left, right any) (any, error) {
	x, xf, xInt, xOK := number(left)
	y, yf, yInt, yOK := number(right)
	switch {
	case xOK && yOK && xInt && yInt:
		return intOp(op, x, y)
	case xOK && yOK:
		return floatOp(op, xf, yf)
	}
	switch a := left.(type) {
	case markup:
		if b, ok := right.(string); ok && op == "+" {
			return m.markup(string(a), escapeHTML(b))
		}
		if b, ok := right.(markup); ok && op == "+" {
			return m.markup(string(a), string(b))
		}
	case string:
		if b, ok := right.(string); ok && op == "+" {
			return m.text(a + b)
		}
		if b, ok := right.(markup); ok && op == "+" {
			return m.markup(escapeHTML(a), string(b))
		}
		if op == "*" && yInt {
			return m.repeat(a, y)
		}
	case *List:
		if b, ok := right.(*List); ok && op == "+" && a.tuple == b.tuple {
			if err := m.spend(itemBytes * (len(a.items) + len(b.items))); err != nil {
				return nil, err
			}
			return newList(append(append([]any(nil), a.items...), b.items...), a.tuple)
		}
	}
	if b, ok := right.(string); ok && op == "*" && xInt {
		return m.repeat(b, x)
	}
	return nil, fmt.Errorf("found %s %s %s, expected two numbers, strings or lists", typeName(left), op, typeName(right))
}

// markup is two texts together.
func (m *machine) markup(a, b string) (any, error) { return markup(a + b), m.spend(len(a) + len(b)) }

// escapeHTML is what Python's markupsafe does to text that is added to safe text.
func escapeHTML(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(text)
}

// repeat is text · n.
func (m *machine) repeat(text string, n int64) (any, error) {
	if n <= 0 || text == "" {
		return "", nil
	}
	if n > int64(m.most)/int64(len(text)) {
		return nil, m.spend(m.most + 1)
	}
	return m.text(strings.Repeat(text, int(n)))
}

var (
	errOverflow = errors.New("found a result that 64 bits do not hold, expected a smaller one")
	errZero     = errors.New("found a division by 0, expected another divisor")
)

func intOp(op string, x, y int64) (any, error) {
	switch op {
	case "+":
		if sum := x + y; (sum > x) == (y > 0) {
			return sum, nil
		}
	case "-":
		if difference := x - y; (difference < x) == (y > 0) {
			return difference, nil
		}
	case "*":
		if product := x * y; x == 0 || product/x == y && !(x == -1 && y == math.MinInt64) {
			return product, nil
		}
	case "**":
		if y < 0 {
			return floatOp(op, float64(x), float64(y))
		}
		return intPower(x, y)
	case "/":
		return floatOp(op, float64(x), float64(y))
	default:
		return intDivide(op, x, y)
	}
	return nil, errOverflow
}

// intDivide is x // y or x % y: the quotient is rounded down, and the remainder has the sign of y.
func intDivide(op string, x, y int64) (any, error) {
	if y == 0 {
		return nil, errZero
	}
	if x == math.MinInt64 && y == -1 {
		return nil, errOverflow
	}
	quotient, rest := x/y, x%y
	if rest != 0 && (rest < 0) != (y < 0) {
		quotient, rest = quotient-1, rest+y
	}
	if op == "%" {
		return rest, nil
	}
	return quotient, nil
}

func intPower(x, y int64) (any, error) {
	if y > 64 && x != 0 && x != 1 && x != -1 {
		return nil, errOverflow
	}
	var power any = int64(1)
	for range min(y, 64+y%2) { // of 0, 1 and −1 the parity alone matters
		var err error
		if power, err = intOp("*", power.(int64), x); err != nil {
			return nil, err
		}
	}
	return power, nil
}

func floatOp(op string, x, y float64) (any, error) {
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "**":
		return math.Pow(x, y), nil
	}
	if y == 0 {
		return nil, errZero
	}
	rest := math.Mod(x, y)
	if rest != 0 && (rest < 0) != (y < 0) {
		rest += y
	}
	switch op {
	case "/":
		return x / y, nil
	case "%":
		return rest, nil
	}
	return math.Round((x - rest) / y), nil
}
