"""An engine seen from outside, without Qt: send commands, read conflated stores."""
