package document

import (
	"html"
	"strings"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// page reads HTML by its tags, one after the other, without a tree: tags that are missing or wrong change nothing but the kinds of blocks.
type page struct {
	*builder
	tokens  *nethtml.Tokenizer
	at      int // of the token
	kind    Kind
	level   int       // of the heading under way; 0: none
	skip    atom.Atom // the element that is left out; 0: none
	depth   int       // of elements of its name inside it
	from    int       // where it begins
	inTitle bool
	title   []byte
}

// leftOutElements have no text for a reader.
var leftOutElements = map[atom.Atom]string{
	atom.Script: "script", atom.Style: "style", atom.Nav: "navigation", atom.Footer: "page footer", atom.Aside: "aside", atom.Svg: "picture",
	atom.Template: "template", atom.Noscript: "noscript", atom.Button: "form", atom.Form: "form", atom.Select: "form",
	atom.Textarea: "form", atom.Iframe: "frame", atom.Object: "object", atom.Audio: "audio", atom.Video: "video", atom.Canvas: "picture",
	atom.Math: "formula",
}

// kinds are the kinds of the blocks of elements. Other elements in blockElements begin a paragraph.
var kinds = map[atom.Atom]Kind{
	atom.Li: Item, atom.Dd: Item, atom.Dt: Item, atom.Figcaption: Caption, atom.Caption: Caption, atom.Tr: Table, atom.Pre: Code,
}

var blockElements = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Section: true, atom.Article: true, atom.Main: true, atom.Header: true, atom.Body: true, atom.Html: true,
	atom.Ul: true, atom.Ol: true, atom.Dl: true, atom.Blockquote: true, atom.Figure: true, atom.Table: true, atom.Hr: true,
	atom.Details: true, atom.Summary: true, atom.Address: true, atom.Fieldset: true, atom.Center: true, atom.Tbody: true, atom.Thead: true,
}

func readHTML(name, source string, base int64) *Document {
	p := &page{builder: newBuilder(name, HTML, source, base), tokens: nethtml.NewTokenizer(strings.NewReader(source))}
	for {
		kind := p.tokens.Next()
		raw := len(p.tokens.Raw())
		if kind == nethtml.ErrorToken {
			break
		}
		p.token(kind, p.at+raw)
		p.at += raw
	}
	if p.skip != 0 {
		p.leave(leftOutElements[p.skip], p.from, len(source))
	}
	p.end()
	if title := Clean(strings.TrimSpace(string(p.title))); title != "" {
		p.Title = title
	}
	return p.done()
}

// token takes the token from p.at to to.
func (p *page) token(kind nethtml.TokenType, to int) {
	switch kind {
	case nethtml.TextToken:
		if p.skip == 0 {
			p.words(p.at, to)
		}
	case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
		name, _ := p.tokens.TagName()
		p.start(atom.Lookup(name), kind == nethtml.StartTagToken)
	case nethtml.EndTagToken:
		name, _ := p.tokens.TagName()
		p.close(atom.Lookup(name), to)
	case nethtml.CommentToken:
		if p.skip == 0 {
			p.leave("comment", p.at, to)
		}
	}
}

// start takes a tag that begins an element; open is false for <name/>.
func (p *page) start(name atom.Atom, open bool) {
	if p.skip != 0 {
		if name == p.skip && open {
			p.depth++
		}
		return
	}
	if _, ok := leftOutElements[name]; ok && open {
		p.skip, p.depth, p.from = name, 1, p.at
		p.space(p.at)
		return
	}
	switch {
	case name == atom.Title:
		p.inTitle = len(p.title) == 0
	case headingOf(name) > 0:
		p.end()
		p.level = headingOf(name)
	case name == atom.Br || name == atom.Td || name == atom.Th:
		p.space(p.at)
	case blockElements[name]:
		p.end()
		p.kind = Paragraph
	default:
		if kind, ok := kinds[name]; ok {
			p.end()
			p.kind = kind
		}
	}
}

// close takes a tag that ends an element.
func (p *page) close(name atom.Atom, to int) {
	if p.skip != 0 {
		if name != p.skip {
			return
		}
		if p.depth--; p.depth == 0 {
			p.leave(leftOutElements[p.skip], p.from, to)
			p.skip = 0
		}
		return
	}
	_, kind := kinds[name]
	switch {
	case name == atom.Title:
		p.inTitle = false
	case kind, headingOf(name) > 0, blockElements[name]:
		p.end()
		p.kind = Paragraph
	}
}

// end ends the block under way.
func (p *page) end() {
	if p.level > 0 {
		p.heading(p.level)
	} else {
		p.flush(p.kind)
	}
	p.level = 0
}

// words adds text with its character references as characters.
func (p *page) words(from, to int) {
	if p.inTitle {
		p.title = append(p.title, html.UnescapeString(p.source[from:to])...)
		return
	}
	if p.kind != Code && strings.TrimSpace(p.source[from:to]) == "" {
		p.space(from)
		return
	}
	plain := from
	for i := from; i < to; {
		n := strings.IndexByte(p.source[i:to], '&')
		if n < 0 {
			break
		}
		i += n
		text, length := reference(p.source[i:to])
		if length == 0 {
			i++
			continue
		}
		p.add(plain, i)
		p.put(text, i, i+length)
		i += length
		plain = i
	}
	p.add(plain, to)
}

// reference is the text of a character reference at the beginning of s, and its length; the semicolon may be missing, as in old pages.
func reference(s string) (string, int) {
	if text, n := entity(s); n > 0 {
		return text, n
	}
	end := 1
	for end < len(s) && end < 40 && (wordByte(s[end]) && s[end] < utf8.RuneSelf || s[end] == '#') {
		end++
	}
	if text := html.UnescapeString(s[:end]); text != s[:end] {
		return text, end
	}
	return "", 0
}

// headingOf is the level of a heading's element, or 0.
func headingOf(name atom.Atom) int {
	switch name {
	case atom.H1:
		return 1
	case atom.H2:
		return 2
	case atom.H3:
		return 3
	case atom.H4:
		return 4
	case atom.H5:
		return 5
	case atom.H6:
		return 6
	}
	return 0
}
