package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of one rendering. Every evaluated expression is a step. Bytes are those of all texts and lists made on the way.
const (
	maxSteps   = 1_000_000
	maxCalls   = 5_000    // expressions and blocks within one another
	fixedBytes = 64 << 20 // and shareBytes for each byte of the variables
	shareBytes = 64
	itemBytes  = 16
)

// Raised is the error of a template that refuses its variables: the function raise_exception.
type Raised struct{ Message string }

func (r *Raised) Error() string { return r.Message }

var errBreak, errContinue = errors.New("break"), errors.New("continue")

// machine renders a template.
type machine struct {
	out         *strings.Builder
	steps       int
	depth       int
	bytes, most int
	line        int // of the statement at hand
}

// scope is the names of a block, in front of those around it.
type scope struct {
	names  map[string]any
	around *scope
}

func (s *scope) lookup(name string) (any, bool) {
	for ; s != nil; s = s.around {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(name string, v any) {
	if s.names == nil {
		s.names = map[string]any{}
	}
	s.names[name] = v
}

// Render returns the text of the template. Variables are values as FromJSON makes them, or a Function. size is their bytes together, which
// bound the work.
func (t *Template) Render(variables map[string]any, size int) (string, error) {
	m := &machine{out: &strings.Builder{}, most: fixedBytes + shareBytes*size}
	top := &scope{names: map[string]any{}}
	for name, f := range globals {
		top.names[name] = function{name, f}
	}
	for name, v := range variables {
		top.names[name] = v
	}
	err := m.run(t.body, &scope{around: top})
	if raised := (*Raised)(nil); errors.As(err, &raised) {
		return "", raised
	}
	if err != nil {
		return "", fmt.Errorf("line %d: %w", m.line, err)
	}
	return m.out.String(), nil
}

// Function is a function of no name that templates may call with strings.
func Function(name string, f func(argument string) (string, error)) any {
	return function{name, func(c *call) (any, error) {
		args, err := c.bind(1, "argument")
		if err != nil {
			return nil, err
		}
		text, ok := args[0].(string)
		if !ok {
			return nil, fmt.Errorf("found %s as the argument of %s, expected a string", typeName(args[0]), name)
		}
		return f(text)
	}}
}

// step counts a step.
func (m *machine) step() error {
	if m.steps++; m.steps > maxSteps {
		return fmt.Errorf("found more than %d steps, expected fewer: the template takes too long", maxSteps)
	}
	return nil
}

// spend counts bytes.
func (m *machine) spend(n int) error {
	if m.bytes += n; n < 0 || m.bytes > m.most {
		return fmt.Errorf("found more than %d bytes of text and lists, expected fewer: the template takes too much", m.most)
	}
	return nil
}

// text counts the bytes of a text that was made.
func (m *machine) text(s string) (any, error) { return s, m.spend(len(s)) }

// list makes a list, and counts its bytes.
func (m *machine) list(items []any) (any, error) {
	if err := m.spend(itemBytes * len(items)); err != nil {
		return nil, err
	}
	return newList(items, false)
}

// eval evaluates an expression.
func (m *machine) eval(e expr, s *scope) (any, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	if err := m.deeper(); err != nil {
		return nil, err
	}
	v, err := e.eval(m, s)
	m.depth--
	return v, err
}

// deeper counts an expression or a block within another.
func (m *machine) deeper() error {
	if m.depth++; m.depth > maxCalls {
		return fmt.Errorf("found more than %d expressions and blocks within one another", maxCalls)
	}
	return nil
}

// run runs statements.
func (m *machine) run(body []stmt, s *scope) error {
	if err := m.deeper(); err != nil {
		return err
	}
	defer func() { m.depth-- }()
	for _, statement := range body {
		if err := m.step(); err != nil {
			return err
		}
		if err := statement.exec(m, s); err != nil {
			return err
		}
	}
	return nil
}

// capture runs statements and returns what they write.
func (m *machine) capture(body []stmt, s *scope) (string, error) {
	out := m.out
	m.out = &strings.Builder{}
	err := m.run(body, s)
	text := m.out.String()
	m.out = out
	return text, err
}

func (m *machine) write(text string) error {
	m.out.WriteString(text)
	return m.spend(len(text))
}

func (t *text) exec(m *machine, _ *scope) error { return m.write(t.text) }

func (o *output) exec(m *machine, s *scope) error {
	m.line = o.line
	v, err := m.eval(o.of, s)
	if err != nil {
		return err
	}
	text, err := m.str(v)
	if err != nil {
		return err
	}
	return m.write(text)
}

func (i *ifStmt) exec(m *machine, s *scope) error {
	m.line = i.line
	v, err := m.eval(i.test, s)
	if err != nil {
		return err
	}
	if truth(v) {
		return m.run(i.then, s)
	}
	return m.run(i.otherwise, s)
}

func (t *setStmt) exec(m *machine, s *scope) error {
	m.line = t.line
	v, err := m.eval(t.value, s)
	if err != nil {
		return err
	}
	return t.target.bind(m, s, v)
}

func (t *setBlock) exec(m *machine, s *scope) error {
	v, err := m.filtered(t.body, t.filters, s, t.line)
	if err != nil {
		return err
	}
	return t.target.bind(m, s, v)
}

func (f *filterBlock) exec(m *machine, s *scope) error {
	v, err := m.filtered(f.body, f.filters, s, f.line)
	if err != nil {
		return err
	}
	text, err := m.str(v)
	if err != nil {
		return err
	}
	return m.write(text)
}

// filtered is what statements write, through filters.
func (m *machine) filtered(body []stmt, filters []*filtered, s *scope, line int) (v any, err error) {
	if v, err = m.capture(body, &scope{around: s}); err != nil {
		return nil, err
	}
	m.line = line
	for _, f := range filters {
		if v, err = f.apply(m, s, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// bind binds a value.
func (t target) bind(m *machine, s *scope, v any) error {
	switch {
	case t.attribute != "":
		of, _ := s.lookup(t.name)
		n, ok := of.(*namespace)
		if !ok {
			return fmt.Errorf("found no namespace %s, expected one to set its attribute %s", t.name, t.attribute)
		}
		n.values[t.attribute] = v
		return nil
	case len(t.names) == 0:
		s.set(t.name, v)
		return nil
	}
	parts, err := m.elements(v)
	if err != nil {
		return err
	}
	if len(parts) != len(t.names) {
		return fmt.Errorf("found %d values for %d names, expected as many", len(parts), len(t.names))
	}
	for i, name := range t.names {
		s.set(name, parts[i])
	}
	return nil
}

func (d *macroStmt) exec(_ *machine, s *scope) error {
	made := d.macro
	made.scope = s
	s.set(d.name, &made)
	return nil
}

func (j *jump) exec(*machine, *scope) error { return j.err }

func (g *group) exec(m *machine, s *scope) error { return m.run(g.body, s) }

// invoke calls the macro.
func (d *macro) invoke(m *machine, c *call) (any, error) {
	values, err := c.bind(0, d.parameters...)
	if err != nil {
		return nil, err
	}
	inner := &scope{around: d.scope}
	for i, parameter := range d.parameters {
		v := values[i]
		if v == absent && d.defaults[i] != nil {
			if v, err = m.eval(d.defaults[i], inner); err != nil {
				return nil, err
			}
		} else if v == absent {
			v = undefined{"the parameter " + parameter}
		}
		inner.set(parameter, v)
	}
	line := m.line
	made, err := m.capture(d.body, inner)
	if err == nil {
		m.line = line
	}
	return made, err
}
