package normalize

import (
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/aligned"
	"github.com/longspan/longspan/tokenizer/internal/chars"
	"github.com/longspan/longspan/tokenizer/internal/component"
)

// bert is the normalizer of BERT. Devlin et al. 2018, BasicTokenizer.
type bert struct{ clean, chinese, accents, lower bool }

func readBert(f *component.Fields) Normalizer {
	b := bert{clean: f.Bool("clean_text"), chinese: f.Bool("handle_chinese_chars"), lower: f.Bool("lowercase")}
	b.accents = f.BoolOr("strip_accents", b.lower)
	return b
}

// Apply implements [Normalizer].
func (b bert) Apply(t aligned.Text) (aligned.Text, error) {
	table := chars.All()
	if b.clean {
		t = cleanText(t, table)
	}
	ascii := isASCII(t.S)
	if b.chinese && !ascii {
		t = spaceChinese(t)
	}
	if b.accents && !ascii {
		t = canonical.decompose(t)
		t = filter(t, func(r rune) bool { return table.Of(r)&chars.Nonspacing == 0 })
	}
	if b.lower {
		t = lowercase(t)
	}
	return t, nil
}

// Local says whether a text that is cut before a blank or a line's end becomes what its pieces become.
func Local(n Normalizer) bool {
	_, ok := n.(bert)
	return ok
}

// cleanText removes control characters, and turns white space into blanks.
func cleanText(t aligned.Text, table *chars.Tables) aligned.Text {
	t = filter(t, func(r rune) bool { return table.Of(r)&chars.Control == 0 })
	return replaceEach(t, func(r rune) rune {
		if table.Of(r)&chars.RustSpace != 0 {
			return ' '
		}
		return r
	})
}

func isChinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r <= 0x4dbf, 0x4e00 <= r && r <= 0x9fff, 0xf900 <= r && r <= 0xfaff, 0x20000 <= r && r <= 0x2a6df, 0x2a700 <= r && r <= 0x2b81f,
		0x2b920 <= r && r <= 0x2ceaf, 0x2f800 <= r && r <= 0x2fa1f:
		return true
	}
	return false
}

// spaceChinese puts blanks around Chinese characters.
func spaceChinese(t aligned.Text) aligned.Text {
	if strings.IndexFunc(t.S, isChinese) < 0 {
		return t
	}
	changes := make([]aligned.Change, 0, len(t.S))
	for _, r := range t.S {
		if isChinese(r) {
			changes = append(changes, aligned.Change{R: ' '}, aligned.Change{R: r, By: 1}, aligned.Change{R: ' ', By: 1})
		} else {
			changes = append(changes, aligned.Change{R: r})
		}
	}
	return t.Transform(changes, 0)
}
