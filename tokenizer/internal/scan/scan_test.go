package scan_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/scan"
)

// value reads any value in the form of encoding/json.
func value(s *scan.Scanner) (v any, err error) {
	switch s.Kind() {
	case '{':
		m := map[string]any{}
		err = s.Object(func(key []byte) error {
			name := string(key)
			m[name], err = value(s)
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err = s.Array(func() error {
			v, err := value(s)
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		b, err := s.Bytes()
		return string(b), err
	case 't', 'f', 'n':
		raw, err := s.Raw()
		return map[string]any{"true": true, "false": false, "null": nil}[string(raw)], err
	}
	return s.Float()
}

// What the scanner reads is what encoding/json reads, and it reads nothing else. The two differ in one thing: half a surrogate pair is
// an error here.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{`{"a": [1, -2.5e3, "\u00e9\ud83d\ude00\n"], "b": {"c": null}}`, `[]`, ` {} `,
		`"\ud800"`, `"\ud800\u0041"`, `01`, `1.`, `-`,
		`tru`, `[1,]`, `{"a" 1}`, "\"\x01\"", `{"a":1}}`, `"\x"`, `1e999`, `[[[[`, `"é`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !utf8.Valid(b) {
			return
		}
		s := scan.New(b)
		got, err := value(s)
		if err == nil {
			err = s.End()
		}
		var want any
		wantErr := json.Unmarshal(b, &want)
		if err != nil {
			return // it may be stricter; what it accepts must be right
		}
		if wantErr != nil {
			t.Fatalf("%q is read as %v; encoding/json has %v", b, got, wantErr)
		}
		first, _ := json.Marshal(got)
		second, _ := json.Marshal(want)
		if string(first) != string(second) {
			t.Fatalf("%q is read as %s, want %s", b, first, second)
		}
	})
}

func TestScannerReadsValidText(t *testing.T) {
	for _, text := range []string{`{"a": [1, -2.5e3, "\u00e9\ud83d\ude00\n"], "b": {"c": null}}`, `[]`, ` {} `,
		`0`, `-0.5E+2`, `true`, `"\/\b\f\r\t\\\""`} {
		s := scan.New([]byte(text))
		if _, err := value(s); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := s.End(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		s = scan.New([]byte(text))
		raw, err := s.Raw()
		if err != nil || !json.Valid(raw) {
			t.Errorf("%s: the raw value is %s (%v)", text, raw, err)
		}
	}
	for text, want := range map[string]int64{"0": 0, "-12": -12, "123456789012345678": 123456789012345678} {
		if got, err := scan.New([]byte(text)).Int(); err != nil || got != want {
			t.Errorf("%s is read as %d (%v)", text, got, err)
		}
	}
	for _, text := range []string{"1.5", "1e3", "99999999999999999999", "x", ""} {
		if got, err := scan.New([]byte(text)).Int(); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
