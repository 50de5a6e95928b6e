package spec

import (
	"errors"
	"fmt"
	"slices"
)

// Clusters is the number of clusters of an adaptive softmax; 0: the softmax is over the whole vocabulary.
func (s *Spec) Clusters() int {
	if s.Head.Kind != LM || s.Embed.Adaptive == nil {
		return 0
	}
	return len(s.Embed.Adaptive.Ends)
}

// checkAdaptive looks at an adaptive embedding, and at the softmax that follows from it.
func (s *Spec) checkAdaptive() error {
	if s.SourceEmbed != nil && s.SourceEmbed.Adaptive != nil {
		return errors.New("source_embed.adaptive: found in an encoder-decoder, expected none; use the kind transformer-xl")
	}
	a, tied := s.Embed.Adaptive, s.Head.TiedProjections
	if a == nil {
		if len(tied) > 0 {
			return fmt.Errorf("tied_projections: found %v without embed.adaptive, expected none: only its clusters have projections", tied)
		}
		return nil
	}
	if s.Kind != TransformerXL {
		return fmt.Errorf("embed.adaptive: found in a model of kind %s, expected none; use the kind transformer-xl", s.Kind)
	}
	if err := a.check(s.Vocab); err != nil {
		return err
	}
	return s.checkAdaptiveHead(a)
}

// check looks at the clusters of a vocabulary.
func (a *Adaptive) check(vocab int) error {
	n := len(a.Ends)
	if n < 1 || n > MaxClusters {
		return fmt.Errorf("embed.adaptive.ends: found %d clusters, expected 1 to %d", n, MaxClusters)
	}
	for i, end := range a.Ends {
		if from, _ := a.Cluster(i); end <= from {
			return fmt.Errorf("embed.adaptive.ends: found %v, expected ascending numbers of tokens", a.Ends)
		}
	}
	if last := a.Ends[n-1]; last != vocab {
		return fmt.Errorf("embed.adaptive.ends: found a last cluster that ends with token %d, expected the vocabulary, %d", last, vocab)
	}
	if err := checkSizes(size{"embed.adaptive.width", a.Width, 1}, size{"embed.adaptive.divisor", a.Divisor, 1}); err != nil {
		return err
	}
	if a.Features(n-1) < 1 {
		return fmt.Errorf("embed.adaptive.divisor: found %d, by which %d features are less than 1 in cluster %d, expected a smaller one",
			a.Divisor, a.Width, n-1)
	}
	return nil
}

// checkAdaptiveHead looks at the settings of a head over clusters.
func (s *Spec) checkAdaptiveHead(a *Adaptive) error {
	tied, n := s.Head.TiedProjections, s.Clusters()
	switch {
	case len(tied) > 0 && (n == 0 || !a.Projected(s.Width)):
		return fmt.Errorf("tied_projections: found %v with the head %s and vectors of %d features, expected none: there is no projection to tie",
			tied, s.Head.Kind, a.Width)
	case n > 0 && s.LabelSmoothing > 0:
		return fmt.Errorf("label_smoothing: found %g with embed.adaptive, expected none: its classes are not all of one softmax",
			s.LabelSmoothing)
	case n > 0 && s.Head.FixedBias:
		return errors.New("fixed_bias: found with embed.adaptive, expected none: each cluster has a bias")
	}
	for i, c := range tied {
		if c < 0 || c >= n || slices.Contains(tied[:i], c) {
			return fmt.Errorf("tied_projections: found %v, expected clusters from 0 to %d, each once", tied, n-1)
		}
	}
	return nil
}
