package data_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tokenizer"
)

// A token that the tokenizer has and the model lacks is refused by name.
func TestEncoderKnowsTheModel(t *testing.T) {
	e := data.Encoder{Tokenizer: tokenizer.Bytes(), Vocab: 'b'}
	if ids, err := e.Tokens("aa"); err != nil || !slices.Equal(ids, []int32{'a', 'a'}) {
		t.Error(ids, err)
	}
	_, err := e.Tokens("ab")
	if err == nil || !strings.Contains(err.Error(), `found the token "b" at byte 1, number 98 of the tokenizer, expected one of the model's 98`) {
		t.Error(err)
	}
}
