"""Questions to NWB files: which sessions have this receptor, in this state, in these cells, with that seen or given.

``ask(["dandiset"], gene="Adra1a", status="knocked_down", cell_type="Bergmann glial cell", indicator="GCaMP")`` reads the small
tables of each file with h5py (no pynwb, no data) and gives the rows that are all of that. To cut signals by the states that are
found, see `ndx_glial_receptors.in_state`.
"""

from bergmann.ask.answer import Answer
from bergmann.ask.asking import Answers, ask, read_file
from bergmann.ask.question import CRITERIA, Question, QuestionError, make_question

__all__ = ["CRITERIA", "Answer", "Answers", "Question", "QuestionError", "ask", "make_question", "read_file"]
