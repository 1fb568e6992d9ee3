"""The training engine: the gradients of sentence-transformers' cached Matryoshka loss, in less time.

`fit.fit` is what a step calls; `recipe` holds what it takes and gives. The other modules are its
parts: texts become tokens once (`tokens`), rows become batches (`batches`), a batch becomes padded
blocks of like length (`blocks`), `loss` turns them into a gradient within a memory budget (`memory`),
and `trainer` puts the parts into sentence-transformers' own trainer.
"""
