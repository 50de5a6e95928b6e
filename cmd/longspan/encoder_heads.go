package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/model"
)

// commandOf is the command for models with a head.
func commandOf(head string) string {
	switch head {
	case model.LM:
		return "generate"
	case model.MaskedLM:
		return "fill"
	case model.Classify:
		return "classify"
	case model.Tag:
		return "tag"
	case model.Regress:
		return "predict, or rerank for pairs"
	}
	return "embed"
}

// needHead refuses a model of another head, and names the command for it.
func needHead(m *model.Model, heads ...string) error {
	found := m.Spec().Head.Kind
	if slices.Contains(heads, found) {
		return nil
	}
	return fmt.Errorf("found a model with the head %s, expected %s; use %s", found, strings.Join(heads, " or "), commandOf(found))
}
