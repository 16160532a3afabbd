import faiss
import numpy as np

from indexer.vectors.faiss_index import FaissIndex, one_thread


def test_one_query_takes_one_thread_and_leaves_the_number_as_it_was() -> None:
    index = FaissIndex(8)
    index.add(np.arange(20), np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32))
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        with one_thread():
            assert faiss.omp_get_max_threads() == 1
        index.view().search(np.ones(8, np.float32), 5)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
