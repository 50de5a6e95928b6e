package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// formatText is str.format, for fields without a format: {}, {0} and {name}.
func formatText(c *call, of any) (any, error) {
	var b strings.Builder
	text, next := of.(string), 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '{' && text[i] != '}':
			b.WriteByte(text[i])
			continue
		case i+1 < len(text) && text[i+1] == text[i]:
			b.WriteByte(text[i])
			i++
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if text[i] == '}' || end < 0 {
			return nil, errors.New("found a single brace in the text of format, expected a field or two braces")
		}
		v, err := c.field(text[i+1:i+end], &next)
		if err != nil {
			return nil, err
		}
		shown, err := c.m.str(v)
		if err != nil {
			return nil, err
		}
		b.WriteString(shown)
		if err := c.m.spend(len(shown)); err != nil {
			return nil, err
		}
		i += end
	}
	return c.m.text(b.String())
}

// field is the argument of format that a field names. A field without a name takes the next one.
func (c *call) field(name string, next *int) (any, error) {
	if at := slices.Index(c.names, name); at >= 0 {
		return c.named[at], nil
	}
	at, err := strconv.Atoi(name)
	if name == "" {
		at, err = *next, nil
		*next++
	}
	if err != nil || at < 0 || at >= len(c.positional) {
		return nil, fmt.Errorf("found the field {%s} of format, which no argument has, or is not supported", clip(name))
	}
	return c.positional[at], nil
}
