package recipe

import "testing"

func TestReadBasesNamesTheLetter(t *testing.T) {
	for text, want := range map[string]string{
		"ACGé":  `'é' at place 4 is not a base; use A, C, G, T and N`,
		"日A":    `'日' at place 1 is not a base; use A, C, G, T and N`,
		"AC-":   `'-' at place 3 is not a base; use A, C, G, T and N`,
		"A\xff": `'�' at place 2 is not a base; use A, C, G, T and N`,
	} {
		if tokens, err := readBases(text); err == nil || err.Error() != want {
			t.Errorf("%q: tokens %v, error %v; want %s", text, tokens, err, want)
		}
	}
	if tokens, err := readBases("acgtNU"); err != nil || len(tokens) != 6 || tokens[5] != 3 {
		t.Errorf("tokens %v, %v", tokens, err)
	}
}
