package hf

// activations are transformers' names of activations, by those of package autograd.
var activations = map[string]string{
	"gelu": "gelu", "gelu_python": "gelu",
	"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu_python_tanh": "gelu_tanh", "gelu_fast": "gelu_tanh",
	"gelu_accurate": "gelu_tanh", "relu": "relu", "silu": "silu", "swish": "silu", "tanh": "tanh",
}

// gates are the activations that gate.
var gates = map[string]string{"gelu": "geglu", "gelu_tanh": "geglu_tanh", "silu": "swiglu"}

// activation reads an activation.
func (c *config) activation(key, absent string) string {
	name := c.text(key, absent)
	a, ok := activations[name]
	if !ok {
		c.fail(key, "found the activation %q, expected gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu or tanh", name)
	}
	return a
}

// gate reads an activation that gates the features of a feed-forward layer.
func (c *config) gate(key, absent string) string {
	a := c.activation(key, absent)
	g, ok := gates[a]
	if !ok && a != "" {
		c.fail(key, "found the activation %q as a gate, expected gelu, gelu_pytorch_tanh or silu", a)
	}
	return g
}
