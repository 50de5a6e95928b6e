package model

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

func TestContradictionsAreRefused(t *testing.T) {
	for want, c := range map[string]Config{
		`kind: found "decodr", expected one of`:  {Kind: "decodr"},
		"vocab: found 0":                         {},
		"expected lm; use an encoder for masked": {Vocab: 4, Head: MaskedLM},
		"use a decoder, or the head mlm":         {Vocab: 4, Kind: Encoder, Head: LM},
		"classes: found 0":                       {Vocab: 4, Kind: Encoder, Head: Classify},
		"max_tokens: found none":                 {Vocab: 4, Position: "learned"},
		"memory: found 5":                        {Vocab: 4, Memory: 5},
		"dropout: found 1":                       {Vocab: 4, Dropout: 1},
		"neither performer, elu, relu, nystrom, bigbird_eval, transient nor a pattern": {Vocab: 4, Attention: []string{"windw(3)"}},
		"others cannot tell memory from segment":                                       {Vocab: 4, Kind: TransformerXL, Position: "none"},
		"no_position: found layer 4, expected 0 to 3":                                  {Vocab: 4, NoPosition: []int{4}},
		"no_position: found layers with":                                               {Vocab: 4, Position: "learned", MaxTokens: 9, NoPosition: []int{1}},
		"no_position: found layers of a transformer-xl":                                {Vocab: 4, Kind: TransformerXL, NoPosition: []int{1}},
		"hashed_ngrams: found [3 3]":                                                   {Vocab: 4, HashedNgrams: []int{3, 3}},
		"hashed_ngram_rows: found 5 without":                                           {Vocab: 4, HashedNgramRows: 5},
		"hashed_ngrams: found [3] for a transformer-xl":                                {Vocab: 4, HashedNgrams: []int{3}, Kind: TransformerXL},
		"copy_ngrams: found [3] without no_position":                                   {Vocab: 4, CopyNgrams: []int{3}},
		"copy_ngrams: found [0], expected sizes":                                       {Vocab: 4, CopyNgrams: []int{0}, NoPosition: []int{0}},
		"kv_heads: found 3 beside 4 heads":                                             {Vocab: 4, KVHeads: 3},
		"copy_ngrams: found [3 4] for 1 key/value heads":                               {Vocab: 4, CopyNgrams: []int{3, 4}, KVHeads: 1, NoPosition: []int{0}},
		"copy_ngrams: found [3] for a model of kind hierarchical":                      {Vocab: 4, CopyNgrams: []int{3}, NoPosition: []int{0}, Kind: Hierarchical},
		"copy_ngrams: found [3] for a model of kind transformer-xl":                    {Vocab: 4, CopyNgrams: []int{3}, Kind: TransformerXL},
		`precision "f8" is not known`:                                                  {Vocab: 4, Precision: "f8"},
		"tied: found with the head tag":                                                {Vocab: 4, Kind: Encoder, Head: Tag, Classes: 4, Tied: true},
		`recompute: found "4"`:                                                         {Vocab: 4, Layers: 3, Recompute: "4"},
		"layers: found 1048576, expected 1 to 4096":                                    {Vocab: 4, Layers: 1 << 20},
		"heads: found -1":                                                              {Vocab: 4, Heads: -1},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", c, err, want)
		}
	}
	c := Config{Vocab: 4, Width: 36, Heads: 3}
	pool := tensor.NewPool()
	if _, err := New(c, Options{Pool: pool, Train: true}); err == nil || !strings.Contains(err.Error(), "found 12 columns a head") {
		t.Errorf("heads of 12 were taken: %v", err)
	}
	if pool.InUse() != 0 {
		t.Errorf("a model that was refused left %d bytes in use", pool.InUse())
	}
}

func TestBatchesAreChecked(t *testing.T) {
	m := newModel(t, zoo()["decoder"], nil)
	for want, b := range map[string]*data.Batch{
		"no tokens":               {},
		"token 1 of the batch is": {Tokens: []int32{0, 11}, Targets: []int32{0, 0}, Lengths: []int{2}},
		"found 0 targets":         {Tokens: []int32{0, 1}, Lengths: []int{2}},
		"target 0 is 11":          {Tokens: []int32{0, 1}, Targets: []int32{11, 0}, Lengths: []int{2}},
		"add up to":               {Tokens: []int32{0, 1}, Targets: []int32{1, 0}, Lengths: []int{3}},
	} {
		if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
