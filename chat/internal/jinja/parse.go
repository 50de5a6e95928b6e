package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// maxSource and maxNesting bound a template: its bytes, and expressions and blocks within another.
const (
	maxSource  = 1 << 20
	maxNesting = 400
)

// Template is a parsed template. Any number of goroutines may render it.
type Template struct{ body []stmt }

// Parse parses a template. It returns an error for a syntax error, and for a tag, filter or test that is not supported.
func Parse(source string) (*Template, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("found a template of %d bytes, expected at most %d", len(source), maxSource)
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	body, _, err := p.block("the template", nil)
	if err != nil {
		return nil, err
	}
	return &Template{body}, nil
}

// parser reads tokens.
type parser struct {
	tokens  []token
	at      int
	nesting int
	loops   int // that the tag at hand is in
}

func (p *parser) peek() token { return p.tokens[p.at] }

// take reads a token. The last one is read again and again.
func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

// fail is an error at the token to be read.
func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", p.peek().line, fmt.Sprintf(format, args...))
}

func (p *parser) isOp(op string) bool { return p.peek().kind == opToken && p.peek().text == op }

func (p *parser) isName(name string) bool { return p.peek().kind == nameToken && p.peek().text == name }

// skipOp reads an operator, if it is next.
func (p *parser) skipOp(op string) bool {
	if !p.isOp(op) {
		return false
	}
	p.at++
	return true
}

func (p *parser) skipName(name string) bool {
	if !p.isName(name) {
		return false
	}
	p.at++
	return true
}

func (p *parser) wantOp(op string) error {
	if !p.skipOp(op) {
		return p.fail("found %v, expected %q", p.peek(), op)
	}
	return nil
}

// wantEnd reads the end of a tag.
func (p *parser) wantEnd(k kind) error {
	if p.peek().kind != k {
		return p.fail("found %v, expected the end of the tag", p.peek())
	}
	p.at++
	return nil
}

// wantName reads a name that is no keyword.
func (p *parser) wantName() (string, error) {
	t := p.peek()
	if t.kind != nameToken || slices.Contains(keywords, t.text) {
		return "", p.fail("found %v, expected a name", t)
	}
	p.at++
	return t.text, nil
}

// keywords cannot be names.
var keywords = []string{"and", "or", "not", "if", "else", "elif", "in", "is", "true", "false", "none", "True", "False", "None"}

// enter counts nesting. The caller calls leave when it is done.
func (p *parser) enter() error {
	if p.nesting++; p.nesting > maxNesting {
		return p.fail("found more than %d expressions or blocks within one another", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.nesting-- }

// block reads statements up to a tag with one of the given names, of which it reads the name. what is the block, for errors.
func (p *parser) block(what string, ends []string) (body []stmt, end string, err error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer p.leave()
	for {
		t := p.take()
		switch t.kind {
		case endToken:
			if len(ends) > 0 {
				return nil, "", p.fail("found the end of the template in %s, expected %s", what, strings.Join(ends, " or "))
			}
			return body, "", nil
		case dataToken:
			body = append(body, &text{t.text})
			continue
		}
		var s stmt
		if t.kind == beginOutput {
			s, err = p.output()
		} else {
			if end := p.peek(); end.kind == nameToken && slices.Contains(ends, end.text) {
				p.at++
				return body, end.text, nil
			}
			s, err = p.statement()
		}
		if err != nil {
			return nil, "", err
		}
		body = append(body, s)
	}
}

// output reads {{ expression }} behind its {{.
func (p *parser) output() (stmt, error) {
	line := p.peek().line
	e, err := p.tuple(true)
	if err != nil {
		return nil, err
	}
	return &output{line, e}, p.wantEnd(endOutput)
}

// statement reads a tag behind its {%, and the block that it begins.
func (p *parser) statement() (stmt, error) {
	t := p.peek()
	if t.kind != nameToken {
		return nil, p.fail("found %v, expected a tag", t)
	}
	p.at++
	switch t.text {
	case "if":
		return p.ifTag(t.line)
	case "for":
		return p.forTag(t.line)
	case "set":
		return p.setTag(t.line)
	case "macro":
		return p.macroTag(t.line)
	case "filter":
		return p.filterTag(t.line)
	case "break", "continue":
		return p.jumpTag(t.text)
	case "generation": // transformers marks with it what an assistant says
		return p.generationTag()
	}
	p.at--
	return nil, p.fail("found the tag %q, expected one of if, for, set, macro, filter, break, continue, generation, or the end of the block: "+
		"no other is supported", clip(t.text))
}

func (p *parser) jumpTag(which string) (stmt, error) {
	if p.loops == 0 {
		return nil, p.fail("found %s outside of a loop", which)
	}
	err := errBreak
	if which == "continue" {
		err = errContinue
	}
	return &jump{err}, p.wantEnd(endBlock)
}

func (p *parser) generationTag() (stmt, error) {
	if err := p.wantEnd(endBlock); err != nil {
		return nil, err
	}
	body, _, err := p.block("generation", []string{"endgeneration"})
	if err != nil {
		return nil, err
	}
	return &group{body}, p.wantEnd(endBlock)
}

func (p *parser) ifTag(line int) (stmt, error) {
	test, err := p.tuple(false)
	if err != nil {
		return nil, err
	}
	if err := p.wantEnd(endBlock); err != nil {
		return nil, err
	}
	s := &ifStmt{line: line, test: test}
	var end string
	if s.then, end, err = p.block("if", []string{"elif", "else", "endif"}); err != nil {
		return nil, err
	}
	switch end {
	case "elif":
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer p.leave()
		inner, err := p.ifTag(p.peek().line)
		s.otherwise = []stmt{inner}
		return s, err
	case "else":
		if err := p.wantEnd(endBlock); err != nil {
			return nil, err
		}
		if s.otherwise, _, err = p.block("else", []string{"endif"}); err != nil {
			return nil, err
		}
	}
	return s, p.wantEnd(endBlock)
}

func (p *parser) forTag(line int) (stmt, error) {
	s := &forStmt{line: line}
	var err error
	if s.target, err = p.target(); err != nil {
		return nil, err
	}
	if !p.skipName("in") {
		return nil, p.fail("found %v, expected in", p.peek())
	}
	if s.over, err = p.tuple(false); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if s.where, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.isName("recursive") {
		return nil, p.fail("found a recursive loop, expected another: this is not supported")
	}
	if err := p.wantEnd(endBlock); err != nil {
		return nil, err
	}
	p.loops++
	body, end, err := p.block("for", []string{"else", "endfor"})
	p.loops--
	if err != nil {
		return nil, err
	}
	s.body = body
	if end == "else" {
		if err := p.wantEnd(endBlock); err != nil {
			return nil, err
		}
		if s.otherwise, _, err = p.block("else", []string{"endfor"}); err != nil {
			return nil, err
		}
	}
	return s, p.wantEnd(endBlock)
}

// target reads names that values are bound to.
func (p *parser) target() (target, error) {
	parenthesis := p.skipOp("(")
	first, err := p.wantName()
	if err != nil {
		return target{}, err
	}
	t := target{name: first}
	if !parenthesis && p.skipOp(".") {
		t.attribute, err = p.wantName()
		return t, err
	}
	for p.skipOp(",") {
		if len(t.names) == 0 {
			t = target{names: []string{first}}
		}
		if p.isOp(")") || p.isOp("=") {
			break
		}
		next, err := p.wantName()
		if err != nil {
			return t, err
		}
		t.names = append(t.names, next)
	}
	if parenthesis {
		err = p.wantOp(")")
	}
	return t, err
}

func (p *parser) setTag(line int) (stmt, error) {
	t, err := p.target()
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		value, err := p.tuple(true)
		if err != nil {
			return nil, err
		}
		return &setStmt{line, t, value}, p.wantEnd(endBlock)
	}
	s := &setBlock{line: line, target: t}
	for p.isOp("|") {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		s.filters = append(s.filters, f)
	}
	if err := p.wantEnd(endBlock); err != nil {
		return nil, err
	}
	if s.body, _, err = p.block("set", []string{"endset"}); err != nil {
		return nil, err
	}
	return s, p.wantEnd(endBlock)
}

func (p *parser) filterTag(line int) (stmt, error) {
	f, err := p.filterName(nil)
	if err != nil {
		return nil, err
	}
	s := &filterBlock{line: line, filters: []*filtered{f}}
	for p.isOp("|") {
		if f, err = p.filter(nil); err != nil {
			return nil, err
		}
		s.filters = append(s.filters, f)
	}
	if err := p.wantEnd(endBlock); err != nil {
		return nil, err
	}
	if s.body, _, err = p.block("filter", []string{"endfilter"}); err != nil {
		return nil, err
	}
	return s, p.wantEnd(endBlock)
}

func (p *parser) macroTag(line int) (stmt, error) {
	name, err := p.wantName()
	if err != nil {
		return nil, err
	}
	s := &macroStmt{line, macro{name: name}}
	if err := p.wantOp("("); err != nil {
		return nil, err
	}
	for !p.isOp(")") {
		if err := p.parameter(&s.macro); err != nil {
			return nil, err
		}
		if !p.skipOp(",") {
			break
		}
	}
	if err := p.wantOp(")"); err != nil {
		return nil, err
	}
	if err := p.wantEnd(endBlock); err != nil {
		return nil, err
	}
	loops := p.loops
	p.loops = 0 // a loop around the macro is not that of its body
	s.body, _, err = p.block("macro", []string{"endmacro"})
	p.loops = loops
	if err != nil {
		return nil, err
	}
	return s, p.wantEnd(endBlock)
}

// parameter reads a parameter of a macro.
func (p *parser) parameter(m *macro) error {
	name, err := p.wantName()
	if err != nil {
		return err
	}
	var otherwise expr
	if p.skipOp("=") {
		if otherwise, err = p.expression(); err != nil {
			return err
		}
	}
	m.parameters, m.defaults = append(m.parameters, name), append(m.defaults, otherwise)
	return nil
}
