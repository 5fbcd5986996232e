"""Margin models: how much money an account must have for what it holds and may hold.

One model serves one account in one currency. It is given a `base.Line` for each instrument and
told (`touch`) when a line's numbers change; `requirement` says what is needed and `after` what
would be with one more order. The comparison is always with the account's equity.

* `cash.CashMargin`: everything is paid in full, nothing sold short.
* `regt.RegTMargin`: stocks under Regulation T and FINRA Rule 4210; `regt.figures` and
  `regt.SpecialMemorandum` for what the screen of a margin account shows.
* `strategies.StrategyMargin`: the same with options by strategy; it holds for stocks alone too.
* `scan.ScanMargin`: futures and options on them by 16 scenarios.
* `perpetual.PerpetualMargin`: crypto perpetuals, with `perpetual.liquidation_price`.

What a model remembers beside its lines can always be worked out anew, so that a snapshot needs
the lines and settings only, prices of underlyings and exchanges' arrays among them.
"""
