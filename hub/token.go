package hub

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Token is a secret of the user's for the hub. Printing a Token, or a struct that has one, does not show it. The zero Token is none.
type Token struct {
	// A function prints as an address. A string would be shown by %+v of any struct around it.
	reveal func() string
}

// NewToken returns a token without the white space around it. Empty text is no token. Characters that cannot stand in a header are an
// error, which does not show the text.
func NewToken(text string) (Token, error) {
	const most = 4096
	text = strings.TrimSpace(text)
	if text == "" {
		return Token{}, nil
	}
	if len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Token{}, fmt.Errorf("the token has %d bytes, and maybe blanks or other characters that no token has; "+
			"expected one line such as hf_…", len(text))
	}
	return Token{func() string { return text }}, nil
}

// String hides the token.
func (t Token) String() string {
	if t.reveal == nil {
		return "no token"
	}
	return "a token"
}

// hide removes the token from a text that a server sent.
func (t Token) hide(text string) string {
	if t.reveal == nil {
		return text
	}
	return strings.ReplaceAll(text, t.reveal(), "[the token]")
}

// readSmall reads a file of one line, such as a ref or a token.
func readSmall(path string) (string, error) {
	const most = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", err
	}
	if len(b) > most {
		return "", &os.PathError{Op: "read", Path: path, Err: errors.New("the file has more than 64 KiB; expected one line")}
	}
	return strings.TrimSpace(string(b)), nil
}
