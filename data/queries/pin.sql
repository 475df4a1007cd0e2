-- One pin with all that it holds.
select pin_id, "by", "at", page, address, says, figure, frames, verdicts, settings, software
from pins where pin_id = $pin;
