package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/added"
)

// transfoXLClass reads words, as Transformer-XL does.
var transfoXLClass = class{roles: roles("unk=<unk> eos=<eos>"), files: fromTransfoXLVocab}

// errPickled is the error of a folder whose words lie in a file of Python objects.
var errPickled = errors.New("the words of a Transformer-XL are in vocab.pkl or vocab.bin, which hold Python objects and are not read. " +
	"Write them to vocab.txt, one a line in the order of the ids: the list idx2sym of that file; or add a tokenizer.json")

// fromTransfoXLVocab makes the file of a Transformer-XL: the first word of a line of vocab.txt is a token, and a line that repeats one is
// passed over, as transformers' TransfoXLTokenizer reads that file. Words of a text lie between white space. What is no token is unknown.
func fromTransfoXLVocab(f *folderFiles, kind class) ([]byte, error) {
	if _, err := os.Stat(filepath.Join(f.dir, "vocab.txt")); errors.Is(err, os.ErrNotExist) {
		for _, name := range []string{"vocab.pkl", "vocab.bin"} {
			if _, err := os.Stat(filepath.Join(f.dir, name)); err == nil {
				return nil, errPickled
			}
		}
	}
	lines, err := f.tokenLines()
	if err != nil {
		return nil, err
	}
	vocab := map[string]int{}
	for i, line := range lines {
		if line == "" {
			return nil, fmt.Errorf("vocab.txt has an empty line, number %d; expected a token", i+1)
		}
		word := strings.Fields(line)[0]
		if _, ok := vocab[word]; !ok {
			vocab[word] = len(vocab)
		}
	}
	unknown, end := f.roleOr(kind, "unk_token"), f.roleOr(kind, "eos_token")
	var tokens []added.Token
	for _, token := range []string{unknown, end} {
		id, ok := vocab[token]
		if !ok {
			return nil, fmt.Errorf("vocab.txt lacks the token %q", token)
		}
		tokens = append(tokens, added.Token{ID: int32(id), Content: token, Special: true})
	}
	slices.SortFunc(tokens, func(a, b added.Token) int { return int(a.ID - b.ID) })
	return json.Marshal(map[string]any{
		"version":       "1.0",
		"added_tokens":  slices.Compact(tokens),
		"pre_tokenizer": map[string]any{"type": "WhitespaceSplit"},
		"model":         map[string]any{"type": "WordLevel", "unk_token": unknown, "vocab": vocab},
	})
}
