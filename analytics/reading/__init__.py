"""What to read of a run's responses, and how two of them differ."""

from analytics.reading.novelty import Beginning as Beginning
from analytics.reading.novelty import beginning as beginning
from analytics.reading.reading_list import Item as Item
from analytics.reading.reading_list import in_common as in_common
from analytics.reading.reading_list import reading_list as reading_list
