package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// tuple reads expressions with commas between them, which make a tuple, or one expression. Conditional expressions may be excluded: an if
// then belongs to the tag.
func (p *parser) tuple(conditionals bool) (expr, error) {
	read := p.expression
	if !conditionals {
		read = p.or
	}
	first, err := read()
	if err != nil || !p.isOp(",") {
		return first, err
	}
	items := []expr{first}
	for p.skipOp(",") {
		if p.endsTuple() {
			break
		}
		next, err := read()
		if err != nil {
			return nil, err
		}
		items = append(items, next)
	}
	return &tupleExpr{items}, nil
}

// endsTuple reports whether no expression is next.
func (p *parser) endsTuple() bool {
	k := p.peek().kind
	return k == endBlock || k == endOutput || k == endToken || p.isOp(")") || p.isOp("]")
}

// expression reads an expression, which may be conditional.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	e, err := p.or()
	for err == nil && p.skipName("if") {
		c := &conditional{then: e}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skipName("else") {
			c.otherwise, err = p.expression()
		}
		e = c
	}
	return e, err
}

func (p *parser) or() (expr, error) { return p.logical("or", p.and) }

func (p *parser) and() (expr, error) { return p.logical("and", p.not) }

// logical reads operands of a keyword.
func (p *parser) logical(keyword string, operand func() (expr, error)) (expr, error) {
	e, err := operand()
	for err == nil && p.skipName(keyword) {
		b := &binary{op: keyword, left: e}
		b.right, err = operand()
		e = b
	}
	return e, err
}

func (p *parser) not() (expr, error) {
	if !p.skipName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	of, err := p.not()
	return &unary{"not", of}, err
}

// comparisons are the operators of a comparison.
var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) compare() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &comparison{first: first}
	for {
		op := ""
		switch t := p.peek(); {
		case t.kind == opToken && slices.Contains(comparisons, t.text):
			op = t.text
			p.at++
		case p.skipName("in"):
			op = "in"
		case p.isName("not") && p.tokens[p.at+1].kind == nameToken && p.tokens[p.at+1].text == "in":
			op = "not in"
			p.at += 2
		case len(c.ops) == 0:
			return first, nil
		default:
			return c, nil
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, right)
	}
}

func (p *parser) sum() (expr, error) { return p.operators(p.joined, "+", "-") }

func (p *parser) joined() (expr, error) { return p.operators(p.product, "~") }

func (p *parser) product() (expr, error) { return p.operators(p.power, "*", "/", "//", "%") }

func (p *parser) power() (expr, error) {
	return p.operators(func() (expr, error) { return p.unary(true) }, "**")
}

// operators reads operands of operators that bind to the left.
func (p *parser) operators(operand func() (expr, error), ops ...string) (expr, error) {
	e, err := operand()
	for err == nil && p.peek().kind == opToken && slices.Contains(ops, p.peek().text) {
		b := &binary{op: p.take().text, left: e}
		b.right, err = operand()
		e = b
	}
	return e, err
}

// unary reads a sign and its operand, or an operand with what follows it. Filters and tests bind less than a sign.
func (p *parser) unary(filters bool) (e expr, err error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if p.isOp("-") || p.isOp("+") {
		op := p.take().text
		of, err := p.unary(false)
		if err != nil {
			return nil, err
		}
		e = &unary{op, of}
	} else if e, err = p.primary(); err != nil {
		return nil, err
	}
	if e, err = p.postfix(e); err != nil || !filters {
		return e, err
	}
	return p.filters(e)
}

// constants are the names of values.
var constants = map[string]any{"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil}

func (p *parser) primary() (expr, error) {
	t := p.peek()
	switch t.kind {
	case nameToken:
		if v, ok := constants[t.text]; ok {
			p.at++
			return &constant{v}, nil
		}
		n, err := p.wantName()
		return &name{n}, err
	case textToken:
		var b strings.Builder
		for p.peek().kind == textToken { // adjacent strings are one
			b.WriteString(p.take().text)
		}
		return &constant{b.String()}, nil
	case intToken:
		v, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, p.fail("found the number %s, expected one of 64 bits", clip(t.text))
		}
		p.at++
		return &constant{v}, nil
	case floatToken:
		v, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, p.fail("found the number %s, expected one of 64 bits", clip(t.text))
		}
		p.at++
		return &constant{v}, nil
	}
	switch {
	case p.skipOp("("):
		return p.parenthesis()
	case p.skipOp("["):
		items, err := p.items("]")
		return &listExpr{items}, err
	case p.skipOp("{"):
		return p.dict()
	}
	return nil, p.fail("found %v, expected an expression", t)
}

func (p *parser) parenthesis() (expr, error) {
	if p.skipOp(")") {
		return &tupleExpr{}, nil
	}
	e, err := p.tuple(true)
	if err != nil {
		return nil, err
	}
	return e, p.wantOp(")")
}

// items reads expressions up to a bracket.
func (p *parser) items(closing string) (items []expr, err error) {
	for !p.isOp(closing) {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
		if !p.skipOp(",") {
			break
		}
	}
	return items, p.wantOp(closing)
}

func (p *parser) dict() (expr, error) {
	d := &dictExpr{}
	for !p.isOp("}") {
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.wantOp(":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
		if !p.skipOp(",") {
			break
		}
	}
	return d, p.wantOp("}")
}

// postfix reads attributes, subscripts and calls behind an expression.
func (p *parser) postfix(e expr) (expr, error) {
	for {
		var err error
		switch {
		case p.skipOp("."):
			e, err = p.attribute(e)
		case p.skipOp("["):
			e, err = p.subscript(e)
		case p.skipOp("("):
			e, err = p.invocation(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) attribute(of expr) (expr, error) {
	t := p.take()
	switch t.kind {
	case nameToken:
		return &attribute{of, t.text}, nil
	case intToken:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err == nil {
			return &item{of, &constant{n}}, nil
		}
	}
	p.at--
	return nil, p.fail("found %v, expected the name of an attribute", t)
}

// subscript reads an index or a slice up to its bracket.
func (p *parser) subscript(of expr) (expr, error) {
	var bounds [3]expr
	i, sliced := 0, false
	for ; i < 3; i++ {
		if !p.isOp(":") && !p.isOp("]") {
			e, err := p.expression()
			if err != nil {
				return nil, err
			}
			bounds[i] = e
		}
		if !p.skipOp(":") {
			break
		}
		sliced = true
	}
	if err := p.wantOp("]"); err != nil {
		return nil, err
	}
	if sliced {
		return &slice{of, bounds[0], bounds[1], bounds[2]}, nil
	}
	if bounds[0] == nil {
		return nil, p.fail("found no index, expected one")
	}
	return &item{of, bounds[0]}, nil
}

// arguments reads those of a call behind its parenthesis.
func (p *parser) arguments() (a arguments, err error) {
	for !p.isOp(")") {
		if p.isOp("*") || p.isOp("**") {
			return a, p.fail("found %v before an argument, expected an expression: this is not supported", p.peek())
		}
		key := ""
		if p.peek().kind == nameToken && p.tokens[p.at+1].kind == opToken && p.tokens[p.at+1].text == "=" {
			if key, err = p.wantName(); err != nil {
				return a, err
			}
			p.at++
		}
		e, err := p.expression()
		switch {
		case err != nil:
			return a, err
		case key != "":
			a.names, a.named = append(a.names, key), append(a.named, e)
		case len(a.names) > 0:
			return a, p.fail("found an argument without a name behind one with a name, expected it before")
		default:
			a.positional = append(a.positional, e)
		}
		if !p.skipOp(",") {
			break
		}
	}
	return a, p.wantOp(")")
}

// invocation reads the arguments of a call, after its parenthesis.
func (p *parser) invocation(callee expr) (expr, error) {
	arguments, err := p.arguments()
	return &invocation{callee: callee, arguments: arguments}, err
}

// filters reads filters, tests and calls behind an operand.
func (p *parser) filters(e expr) (expr, error) {
	for {
		var err error
		switch {
		case p.isOp("|"):
			e, err = p.filter(e)
		case p.skipName("is"):
			e, err = p.test(e)
		case p.skipOp("("):
			e, err = p.invocation(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// filter reads | name(arguments).
func (p *parser) filter(of expr) (*filtered, error) {
	p.at++
	return p.filterName(of)
}

// filterName reads name(arguments) of a filter. As in Jinja, one that is not known is an error where it is used: many templates have
// branches for tools that are never reached.
func (p *parser) filterName(of expr) (*filtered, error) {
	n, err := p.wantName()
	if err != nil {
		return nil, err
	}
	f := &filtered{of: of, name: n, filter: filters[n]}
	if f.filter == nil {
		f.filter = unsupported("filter", n)
	}
	if p.skipOp("(") {
		f.arguments, err = p.arguments()
	}
	return f, err
}

// test reads the name of a test behind is, and its arguments, or one argument without parentheses.
func (p *parser) test(of expr) (expr, error) {
	t := &tested{of: of, negated: p.skipName("not")}
	token := p.peek()
	if token.kind != nameToken {
		return nil, p.fail("found %v, expected the name of a test", token)
	}
	p.at++
	t.name, t.test = token.text, tests[token.text]
	if t.test == nil {
		t.test = unsupported("test", token.text)
	}
	if p.skipOp("(") {
		var err error
		t.arguments, err = p.arguments()
		return t, err
	}
	if !p.beginsOperand() {
		return t, nil
	}
	e, err := p.primary()
	if err == nil {
		e, err = p.postfix(e)
	}
	t.positional = []expr{e}
	return t, err
}

// beginsOperand reports whether the argument of a test is next.
func (p *parser) beginsOperand() bool {
	t := p.peek()
	switch t.kind {
	case nameToken:
		return !slices.Contains([]string{"else", "or", "and", "is", "if", "in", "not"}, t.text)
	case textToken, intToken, floatToken:
		return true
	}
	return p.isOp("[") || p.isOp("{")
}
