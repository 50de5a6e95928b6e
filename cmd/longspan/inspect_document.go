package main

import (
	"fmt"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/train"
)

// inspectDocument is what a document takes.
type inspectDocument struct {
	Tokens  int         `json:"tokens"`
	Chunks  int         `json:"chunks"` // 1: it is read as a whole
	Chunk   int         `json:"chunk"`  // tokens
	Bytes   plan.Bytes  `json:"bytes"`
	Total   int64       `json:"total_bytes"`
	Seconds float64     `json:"seconds,omitempty"` // 0: the speed of this machine is not known
	State   *stateBytes `json:"state,omitempty"`   // of a model that writes

	estimate plan.Estimate
}

// stateBytes is what a decoder keeps of the tokens before.
type stateBytes struct {
	Bytes           int64   `json:"bytes"`             // with room for the tokens that come
	Needed          int64   `json:"needed_bytes"`      // of the keys and values that later tokens may see; 0: not all layers keep these
	TokensPerSecond float64 `json:"tokens_per_second"` // of text that is written after the document; 0: not known
}

// planChunk is the number of tokens of a chunk of a document beyond what a model was made for.
const planChunk = 4096

// planDocument plans a document of n tokens, or of as many as the model was made for. An encoder-decoder reads it as a source, and writes.
func planDocument(m *model.Model, n, threads int) (d *inspectDocument, err error) {
	s := *m.Spec()
	most, limit := m.Answers().Tokens, s.MaxTokens()
	if s.Kind == model.EncoderDecoder {
		limit = s.MaxSource()
	}
	if limit > 0 && (most == 0 || most > limit) {
		most = limit
	}
	if n == 0 {
		n = most
	}
	if n == 0 {
		n = planChunk
	}
	d = &inspectDocument{Tokens: n, Chunks: 1, Chunk: n}
	decoder := s.Head.Kind == model.LM
	if decoder && limit > 0 && n > limit {
		return nil, fmt.Errorf("found --tokens %d, expected at most %d: a model that writes reads no more than its learned positions", n, limit)
	}
	if !decoder && most > 0 && n > most {
		shared := min(max(64, most/8), most/2) // as the commands that read long texts have it
		d.Chunk = most
		d.Chunks = (n - shared + most - shared - 1) / (most - shared)
	}
	if decoder {
		return d, d.decode(s, threads)
	}
	if s.Head.Kind != model.Classify || s.Head.Independent { // the head adds little, or is planned by the command that uses it
		s.Head = model.Head{Kind: model.Classify, Classes: 2, Pooling: "mean"}
	}
	job := plan.Job{Model: s, Train: train.DefaultConfig(), Lengths: []int{d.Chunk}, Threads: threads}
	d.estimate, err = plan.Evaluation(job)
	d.Bytes, d.Total = d.estimate.Bytes, d.estimate.Bytes.Total()
	return d, err
}

// afterwards is the number of tokens that are planned behind a document: after them the state has its size.
const afterwards = 3

// decode plans a model that reads the document and writes: a decoder behind it, an encoder-decoder a text of its own.
func (d *inspectDocument) decode(s model.Spec, threads int) (err error) {
	read := max(1, d.Chunk-afterwards)
	if s.Kind == model.EncoderDecoder {
		read = d.Chunk
	}
	if d.estimate, err = plan.Generation(s, read, min(afterwards, d.Chunk), threads); err != nil {
		return err
	}
	d.Bytes, d.Total = d.estimate.Bytes, d.estimate.Bytes.Total()
	d.State = &stateBytes{Bytes: d.Bytes.Activations, Needed: needed(&s, d.Chunk)}
	return nil
}

// needed is the bytes of keys and values that later tokens may see after n tokens: window·layers + n·full layers, each twice the columns of
// the key/value heads. 0: a mechanism keeps something else.
func needed(s *model.Spec, n int) (bytes int64) {
	policy, err := s.Policy()
	if err != nil || s.Kind != model.Decoder {
		return 0
	}
	for _, l := range s.Layers {
		p, err := pattern.Parse(l.Attention.Mechanism)
		if err != nil {
			return 0
		}
		rows := int64(0)
		for _, span := range pattern.Retained(nil, pattern.And(pattern.Causal(), p), n) {
			rows += int64(span.Len())
		}
		bytes += rows * 2 * int64(l.Attention.KVHeads*l.Attention.HeadDim*policy.Activations.Size())
	}
	return bytes
}

// seconds estimates the time by the speed of the machine. A token that is written reads all weights but the rows of the embedding that are
// not its own, and all keys and values, once.
func (d *inspectDocument) seconds(m *model.Model, r machine.Rates) {
	forward := plan.Estimate{Cost: d.estimate.Cost, Width: d.estimate.Width} // nothing is updated
	d.Seconds = r.Seconds(forward, m.Policy()) * float64(d.Chunks)
	if d.State == nil {
		return
	}
	bytes := d.State.Bytes
	for _, p := range m.Params() {
		if p.Name != model.EmbeddingName || m.Spec().Head.Tied {
			bytes += p.Value.Bytes()
		}
	}
	d.State.TokensPerSecond = r.Bandwidth * 1e9 / float64(bytes)
}
