package pythonjson

import (
	"encoding/json"
	"testing"
)

func TestQuote(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"a": NaN, "b": [Infinity, -Infinity, -1]}`, `{"a": "NaN", "b": ["Infinity", "-Infinity", -1]}`},
		{`{"a": "NaN \" NaN", "NaN": null}`, `{"a": "NaN \" NaN", "NaN": null}`},
		{`{"a": 1e30}`, `{"a": 1e30}`},
		{``, ``},
		{`"\`, `"\`},
		{`Na`, `Na`},
	} {
		if got := string(Quote([]byte(c.text))); got != c.want {
			t.Errorf("%s: found %s, expected %s", c.text, got, c.want)
		}
	}
}

// FuzzQuote checks that valid JSON stays as it is.
func FuzzQuote(f *testing.F) {
	f.Add([]byte(`{"a": "NaN", "b": -1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		quoted := Quote(text)
		if json.Valid(text) && string(quoted) != string(text) {
			t.Errorf("%q became %q", text, quoted)
		}
	})
}
