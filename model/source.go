package model

import (
	"errors"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

var errNoSource = errors.New("model: found a model that reads no source, expected an encoder-decoder")

// SourceStates is [Session.HiddenStates] of the encoder of an encoder-decoder, for a batch of sources: the embeddings, the output of each
// layer, and that of the last norm if there is one. It returns an error for another kind of model.
func (s *Session) SourceStates(sources *data.Batch) (states []tensor.Mat, err error) {
	m := s.m
	switch {
	case m.spec.Kind != EncoderDecoder:
		return nil, errNoSource
	case sources == nil:
		return nil, errors.New("model: found no batch, expected one with tokens")
	}
	if err := m.acquire(); err != nil {
		return nil, err
	}
	defer m.release()
	if err := m.checkSources(sources); err != nil {
		return nil, err
	}
	p := s.pass(sources.Lengths, nil)
	defer p.Close()
	var kept []*autograd.Var
	m.encode(p, sources.Tokens, sources.Types, func(v *autograd.Var) *autograd.Var {
		kept = append(kept, p.G.Keep(v))
		return v
	})
	if err := p.G.Forward(); err != nil {
		return nil, err
	}
	for _, v := range kept {
		states = append(states, clone(s.x.Pool, v.Value()))
	}
	return states, nil
}
