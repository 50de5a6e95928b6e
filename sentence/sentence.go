// Package sentence reads what sentence-transformers keeps beside a Transformer's own files: the steps from a text to its vector.
//
//	modules.json                        the steps in order, each with its folder
//	sentence_bert_config.json           of the Transformer: the largest number of tokens, lower case
//	1_Pooling/config.json               how the vectors of tokens become one
//	2_Dense/config.json, its weights    a linear layer and an activation
//	3_Normalize                         to length 1
//	config_sentence_transformers.json   prompts, similarity
//
// The spellings are those of sentence-transformers 2 to 5.3 and of 5.4 to 6.2, whose modules have other names and whose pooling is one
// word in place of six booleans. What these files ask for and this package does not know is an error: a step that is left out gives
// vectors that look right and are not.
package sentence

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/checkpoint"
)

// Pipeline is the steps from a text to its vector.
type Pipeline struct {
	// Modules are the steps in order: a Transformer, a Pooling, and any number of Dense and Normalize.
	Modules []Module
	// Dimension is the length of the vector that the last module gives.
	Dimension int
	// Truncate is how many of its numbers are kept, the first; 0 keeps all. They are cut after the modules, so that a shortened vector is
	// not of length 1.
	Truncate int
	// Prompts are texts that stand before the user's, by name, such as query and document.
	Prompts map[string]string
	// DefaultPrompt is the name of the prompt where the user names none; "" if none stands there. The prompt's text may be empty.
	DefaultPrompt string
	// Similarity is how two vectors are compared; "" if the files do not say. Then sentence-transformers takes the cosine.
	Similarity Similarity
	// Folders are those of the modules, as modules.json names them: relative, with slashes; "" is the folder of modules.json.
	Folders []string
}

// Similarity compares two vectors.
type Similarity string

// The similarities.
const (
	Cosine    Similarity = "cosine"
	Dot       Similarity = "dot"
	Euclidean Similarity = "euclidean" // the negative distance
	Manhattan Similarity = "manhattan" // the negative distance
)

// Module is a step: Transformer, Pooling, Dense or Normalize.
type Module interface{ isModule() }

// Transformer gives a vector for each token: its last hidden states.
type Transformer struct {
	Dir       string // the folder of config.json, the weights and the tokenizer
	MaxTokens int    // with special tokens; sentence-transformers cuts what is longer. 0 if the files do not say
	LowerCase bool   // the text is put into lower case before it meets the tokenizer
}

// Pooling gives one vector for the vectors of all tokens: those of its modes, end to end.
type Pooling struct {
	Modes         []Mode
	Dimension     int  // of one token's vector
	IncludePrompt bool // whether the tokens of the prompt count
}

// Mode is how the vectors of tokens become one. Padding never counts.
type Mode string

// The modes.
const (
	First           Mode = "cls"                  // that of the first token
	Max             Mode = "max"                  // the largest of each number
	Mean            Mode = "mean"                 // their mean
	MeanSqrt        Mode = "mean_sqrt_len_tokens" // their sum divided by √T
	PositionWeighed Mode = "weightedmean"         // their mean, where token i of 1 … T counts i times
	Last            Mode = "lasttoken"            // that of the last token
)

// Dense is a linear layer and an activation.
type Dense struct {
	In, Out    int
	Bias       bool
	Activation Activation
	// Weights has linear.weight [Out, In] and, with Bias, linear.bias [Out]. Pipeline.Close closes it.
	Weights checkpoint.Source
}

// Activation is the function after a linear layer.
type Activation string

// The activations.
const (
	Identity Activation = "identity"
	Tanh     Activation = "tanh"
	ReLU     Activation = "relu"
	GELU     Activation = "gelu" // x·Φ(x), with the error function
)

// Normalize divides a vector by its length, or by 1e-12 if that is more.
type Normalize struct{}

func (Transformer) isModule() {}
func (Pooling) isModule()     {}
func (Dense) isModule()       {}
func (Normalize) isModule()   {}

// Close closes the weights of the Dense modules.
func (p *Pipeline) Close() error {
	var err error
	for _, m := range p.Modules {
		if d, ok := m.(Dense); ok {
			err = errors.Join(err, d.Weights.Close())
		}
	}
	return err
}

// check holds the modules against one another, and finds the length of the vector.
func (p *Pipeline) check() error {
	for i, m := range p.Modules {
		switch m := m.(type) {
		case Transformer:
			if i != 0 {
				return fmt.Errorf("found a Transformer as module %d, expected one, the first", i)
			}
		case Pooling:
			if i != 1 {
				return fmt.Errorf("found a Pooling as module %d, expected one, after the Transformer", i)
			}
			p.Dimension = m.Dimension * len(m.Modes)
		case Dense:
			if m.In != p.Dimension || i < 2 {
				return fmt.Errorf("found a Dense of %d inputs as module %d, after a module of %d outputs", m.In, i, p.Dimension)
			}
			p.Dimension = m.Out
		case Normalize:
			if i < 2 {
				return fmt.Errorf("found a Normalize as module %d, expected it after the Pooling", i)
			}
		}
	}
	if len(p.Modules) < 2 {
		return fmt.Errorf("found %d modules, expected a Transformer and a Pooling at least", len(p.Modules))
	}
	if p.Truncate > p.Dimension {
		return fmt.Errorf("found a truncate_dim of %d, expected at most the vector's length, %d", p.Truncate, p.Dimension)
	}
	return nil
}
