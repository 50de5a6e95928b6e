package vocab

import (
	"fmt"
	"strings"
)

// Special is a token that no text is cut into.
type Special struct {
	Token string // its name, such as <s>
	Role  Role   // empty for a token without a role
}

// Role is what a special token is for. The names are those of a tokenizer_config.json without _token.
type Role string

// The roles.
const (
	Begin   Role = "bos"  // begins a document
	End     Role = "eos"  // ends a document
	Unknown Role = "unk"  // stands for a character that is not in the vocabulary
	Pad     Role = "pad"  // fills a batch
	Class   Role = "cls"  // begins a text of an encoder
	Between Role = "sep"  // ends a text of an encoder
	Mask    Role = "mask" // stands for a token to guess
)

var roles = []Role{Begin, End, Unknown, Pad, Class, Between, Mask}

func (r Role) known() bool {
	for _, known := range roles {
		if r == known {
			return true
		}
	}
	return false
}

func roleNames() string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// ParseSpecial reads a special token as the command line has it: a name, or a role and a name, such as bos=<s>. What stands in front of
// the sign = is part of the name unless it is a role.
func ParseSpecial(text string) Special {
	if role, name, ok := strings.Cut(text, "="); ok && Role(role).known() {
		return Special{Token: name, Role: Role(role)}
	}
	return Special{Token: text}
}

// Template is the special tokens that the library puts around a text.
type Template string

// The templates. The zero value is Plain.
const (
	Plain   Template = "none"    // no tokens
	Encoder Template = "encoder" // cls, the text, sep; of a pair: cls, A, sep, B, sep
	Decoder Template = "decoder" // bos, the text
)

// roles are the roles of the tokens in front of a text and behind it.
func (t Template) roles() (before, after Role) {
	switch t {
	case Encoder:
		return Class, Between
	case Decoder:
		return Begin, ""
	}
	return "", ""
}

func (t Template) check(c Config) error {
	switch t {
	case "", Plain, Encoder, Decoder:
	default:
		return fmt.Errorf("the template is %q; expected %s, %s or %s", t, Plain, Encoder, Decoder)
	}
	before, after := t.roles()
	for _, r := range []Role{before, after} {
		if _, ok := c.role(r); r != "" && !ok {
			return fmt.Errorf("the template %s needs a special token with the role %s; add one, such as %s=<%[2]s>", t, r, r)
		}
	}
	return nil
}
