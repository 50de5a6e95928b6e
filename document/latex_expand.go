package document

import (
	"strings"
	"unicode/utf8"
)

// The bounds of expansion. A use of a macro is expanded whole or not at all.
const (
	deepestMacro     = 16      // uses inside of uses
	longestExpansion = 1 << 16 // bytes of a use in the text, those of macros inside of it included
	perUse           = 16      // bytes for which a use counts besides its text
)

// expander copies a source and expands the macros that it defines.
type expander struct {
	macros map[string]*macro
	out    copied
	room   int            // bytes that the use under way may still have
	left   int            // bytes that all uses may still have
	failed map[string]int // uses that are not expanded
	uses   int
}

// expandMacros returns the source with its macros expanded, and with the places of its bytes; nil if there is nothing to expand. failed
// counts uses that are left as they are. Formulas, programs, comments and the definitions themselves stay as they are.
//
// A use stands for its own bytes. Where a macro takes its arguments in order, they keep their bytes. The time and the memory are
// proportional to the source: all expansions together have at most 64 KiB and four times its bytes.
func expandMacros(source string, base int64) (expanded *Block, failed map[string]int) {
	e := &expander{macros: map[string]*macro{}, left: longestExpansion + 4*len(source), failed: map[string]int{}}
	t := Block{Text: source, places: []place{{0, len(source), base, base + int64(len(source))}}}
	if !e.defines(source) {
		return nil, nil
	}
	e.scan(&t, 0)
	if e.uses == 0 {
		return nil, e.failed
	}
	b := e.out.block()
	return &b, e.failed
}

// defines reports that a source may define macros.
func (e *expander) defines(source string) bool {
	for name := range definers {
		if strings.Contains(source, `\`+name) {
			return true
		}
	}
	return false
}

// scan copies t with its macros expanded. It reports false if a use inside of another cannot be expanded.
func (e *expander) scan(t *Block, depth int) bool {
	s, open, plain := t.Text, map[string]bool{}, 0
	for i := 0; i < len(s); {
		n := strings.IndexAny(s[i:], `\%$`)
		if n < 0 {
			break
		}
		i += n
		if next := raw(s, i, open); next > i {
			i = next
			continue
		}
		if s[i] != '\\' {
			i++
			continue
		}
		name, at := commandName(s, i, len(s))
		if d, ok := readDefinition(s, name, at, len(s)); ok {
			e.define(d, name)
			i = d.next
			continue
		}
		m := e.macros[name]
		if m == nil {
			i = at
			continue
		}
		at = i + 1 + len(name) // without the star
		u, ok := m.use(s, i, at)
		if !ok {
			i = at
			continue
		}
		e.out.copy(t, plain, i)
		plain, i = i, at
		if e.expand(t, m, u, depth) {
			plain, i = u.next, u.next
		} else if depth > 0 {
			return false
		} else {
			e.failed[name]++
		}
	}
	e.out.copy(t, plain, len(s))
	return true
}

// define takes in a definition. Commands that the reader knows the meaning of keep it.
func (e *expander) define(d macroDefinition, by string) {
	provides := strings.HasPrefix(by, "provide") || strings.HasPrefix(by, "Provide")
	if known(d.name) || provides && e.macros[d.name] != nil {
		return
	}
	m := d.macro
	if d.same != "" {
		if m = e.macros[d.same]; m == nil && !strings.Contains(d.same, "@") {
			m = &macro{parts: []macroPart{{text: `\` + d.same}}, ordered: true}
		}
	}
	e.macros[d.name] = m
}

// use is a use of a macro: where it begins and ends, and its arguments.
type use struct {
	from, next int
	arguments  [][2]int // from and to in the text; from is -1 if the argument is the default
}

// use reads the arguments of the macro at i whose name ends at at. ok is false if they are not all there.
func (m *macro) use(s string, i, at int) (u use, ok bool) {
	u = use{from: i, next: at}
	for k := range m.arguments {
		if k == 0 && m.optional {
			a := [2]int{-1, -1}
			if at < len(s) && s[at] == '[' {
				n := strings.IndexByte(s[at:min(len(s), at+farthest)], ']')
				if n < 0 {
					return u, false
				}
				a = [2]int{at + 1, at + n}
				at += n + 1
			}
			u.arguments = append(u.arguments, a)
			continue
		}
		from, to, next := group(s, at, len(s))
		if next == at {
			if from, to = token(s, at); from == to {
				return u, false
			}
			next = to
		}
		u.arguments = append(u.arguments, [2]int{from, to})
		at = next
	}
	u.next = at
	return u, true
}

// token is the argument without braces at i: a character or a command, after white space inside of the paragraph. It is empty if there is
// none.
func token(s string, i int) (from, to int) {
	from = blanks(s, i, len(s))
	if from == len(s) || strings.IndexByte("{}%$", s[from]) >= 0 || strings.Count(s[i:from], "\n") > 1 {
		return i, i
	}
	if s[from] == '\\' {
		_, to = nameWithAt(s, from, len(s))
		return from, to
	}
	_, n := utf8.DecodeRuneInString(s[from:])
	return from, from + n
}

// expand writes a use of t. It reports false, and has written nothing, if the bounds do not allow it.
func (e *expander) expand(t *Block, m *macro, u use, depth int) bool {
	if depth == 0 {
		e.room = longestExpansion
	}
	size := perUse
	for _, p := range m.parts {
		size += len(m.first) + len(p.text)
		if p.argument > 0 {
			a := u.arguments[p.argument-1]
			size += a[1] - a[0] + 1
		}
	}
	e.room -= size
	e.left -= size
	if depth == deepestMacro || e.room < 0 || e.left < 0 {
		return false
	}
	body := m.fill(t, u)
	text, places := len(e.out.text), len(e.out.places)
	if !e.scan(&body, depth+1) {
		e.out.text, e.out.places = e.out.text[:text], e.out.places[:places]
		return false
	}
	e.uses++
	return true
}

// fill is the text of a macro with the arguments of a use of t.
func (m *macro) fill(t *Block, u use) Block {
	var c copied
	if m.ordered && m.spread(t, u, &c) {
		return c.block()
	}
	c = copied{}
	from, to := t.Source(u.from, u.next)
	for _, p := range m.parts {
		text := p.text
		if p.argument > 0 {
			a := u.arguments[p.argument-1]
			if text = m.first; a[0] >= 0 {
				text = closed(t.Text[a[0]:a[1]])
			}
		}
		c.write(text, from, to)
	}
	return c.block()
}

// spread writes the text of a macro so that the arguments keep their places, and the text between them has the bytes between. It reports
// false where there are no bytes between, and where an argument ends in a comment.
func (m *macro) spread(t *Block, u use, c *copied) bool {
	at := u.from
	for k, p := range m.parts {
		if p.argument > 0 {
			if a := u.arguments[p.argument-1]; a[0] >= 0 {
				if text := t.Text[a[0]:a[1]]; closed(text) != text {
					return false
				}
				c.copy(t, a[0], a[1])
				at = a[1]
				continue
			}
			p.text = m.first
		}
		next := u.next
		if k+1 < len(m.parts) && m.parts[k+1].argument > 0 {
			if a := u.arguments[m.parts[k+1].argument-1]; a[0] >= 0 {
				next = a[0]
			}
		}
		if p.text == "" {
			continue
		}
		if at >= next {
			return false
		}
		from, to := t.Source(at, next)
		c.write(p.text, from, to)
	}
	return true
}

// closed is an argument, with a line end if it ends in a comment.
func closed(s string) string {
	line := s[strings.LastIndexByte(s, '\n')+1:]
	if commentAt(line) < len(line) {
		return s + "\n"
	}
	return s
}
