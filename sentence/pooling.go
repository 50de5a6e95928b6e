package sentence

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// modes are all modes, in the order in which their vectors stand if the six booleans of the older form name several.
var modes = []struct {
	mode Mode
	key  string // of the older form
}{
	{First, "pooling_mode_cls_token"},
	{Max, "pooling_mode_max_tokens"},
	{Mean, "pooling_mode_mean_tokens"},
	{MeanSqrt, "pooling_mode_mean_sqrt_len_tokens"},
	{PositionWeighed, "pooling_mode_weightedmean_tokens"},
	{Last, "pooling_mode_lasttoken"},
}

// maxDimension is the largest length of a vector. The largest models have some 20,000.
const maxDimension = 1 << 24

// parsePooling reads the config of a Pooling: word_embedding_dimension and six booleans, or embedding_dimension and pooling_mode, a word or
// a list of words.
func parsePooling(text []byte) (Pooling, error) {
	p := Pooling{IncludePrompt: true}
	var word json.RawMessage
	older := 0
	fields := map[string]any{"embedding_dimension": &p.Dimension, "word_embedding_dimension": &older, "pooling_mode": &word,
		"include_prompt": &p.IncludePrompt}
	flags := make([]*bool, len(modes))
	for i, m := range modes {
		fields[m.key] = &flags[i]
	}
	if err := object(text, fields); err != nil {
		return p, err
	}
	if p.Dimension != 0 && older != 0 && p.Dimension != older {
		return p, fmt.Errorf("found embedding_dimension %d and word_embedding_dimension %d, expected one of them", p.Dimension, older)
	}
	if p.Dimension == 0 {
		p.Dimension = older
	}
	if p.Dimension <= 0 || p.Dimension > maxDimension {
		return p, fmt.Errorf("found embedding_dimension %d, expected 1 to %d", p.Dimension, maxDimension)
	}
	flagged, err := flaggedModes(flags)
	if err != nil {
		return p, err
	}
	if p.Modes, err = namedModes(word); err != nil {
		return p, err
	}
	switch {
	case p.Modes == nil && flagged == nil:
		p.Modes = []Mode{Mean} // the default of both forms
	case p.Modes == nil:
		p.Modes = flagged
	case flagged != nil && !slices.Equal(p.Modes, flagged):
		return p, fmt.Errorf("found the pooling_mode %v and booleans for %v, expected the same", p.Modes, flagged)
	}
	return p, nil
}

// flaggedModes is the modes whose booleans are true; nil if there are no booleans. Without that of the mean they mean one thing to
// sentence-transformers 5.3, another to 5.4.
func flaggedModes(flags []*bool) ([]Mode, error) {
	var on []Mode
	any, mean := false, false
	for i, m := range modes {
		if flags[i] == nil {
			continue
		}
		any = true
		mean = mean || m.mode == Mean
		if *flags[i] {
			on = append(on, m.mode)
		}
	}
	switch {
	case !any:
		return nil, nil
	case !mean:
		return nil, errors.New("found booleans without pooling_mode_mean_tokens, whose default differs by version; state it")
	case on == nil:
		return nil, errors.New("found that all booleans of pooling modes are false, expected one that is true")
	}
	return on, nil
}

// namedModes is the modes of pooling_mode; nil if it is absent.
func namedModes(text json.RawMessage) ([]Mode, error) {
	if text == nil || string(text) == "null" {
		return nil, nil
	}
	var one Mode
	var several []Mode
	if json.Unmarshal(text, &one) == nil {
		several = []Mode{one}
	} else if err := json.Unmarshal(text, &several); err != nil {
		return nil, fmt.Errorf("found the pooling_mode %s, expected a word or a list of words", text)
	}
	if len(several) == 0 || len(several) > len(modes) {
		return nil, fmt.Errorf("found %d pooling modes, expected 1 to %d", len(several), len(modes))
	}
	for _, m := range several {
		if !slices.Contains(knownModes(), string(m)) {
			return nil, fmt.Errorf("found the pooling_mode %q, expected one of %s", m, strings.Join(knownModes(), ", "))
		}
	}
	return several, nil
}

func knownModes() []string {
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = string(m.mode)
	}
	return names
}
