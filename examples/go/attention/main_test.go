package main

func Example() {
	main()
	// Output:
	// 3.1% of the pairs of full attention
	// token 20000 sees tokens around 20000; token 20512 has 1/1025 of its gradient
}
