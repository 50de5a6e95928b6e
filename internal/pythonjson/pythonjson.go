// Package pythonjson reads what Python's json writes and JSON does not have: the numbers NaN, Infinity and -Infinity.
package pythonjson

import "bytes"

// Quote puts NaN, Infinity and -Infinity that stand outside of strings into quotes, and changes nothing else. So a reader of JSON takes the
// text, and a key with such a number holds a string, which is no number.
func Quote(text []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case inString && b == '\\' && i+1 < len(text):
			out = append(out, b)
			i++
		case b == '"':
			inString = !inString
		case !inString && (b == 'N' || b == 'I' || b == '-'):
			if n := notJSON(text[i:]); n > 0 {
				out = append(append(append(out, '"'), text[i:i+n]...), '"')
				i += n - 1
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

// notJSON is the length of the Python number that text begins with; 0: none.
func notJSON(text []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
