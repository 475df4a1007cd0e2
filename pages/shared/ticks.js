// The √ axis names KL at places of the range that is shown: after a zoom they are reckoned anew.
// Python does the same for the whole range (analytics/figures/drawing/axes.py).
(() => {
  if (window.rootTicks) return;
  const STEPS = [1, 2, 2.5, 5, 10];
  const root = (kl) => Math.sign(kl) * Math.sqrt(Math.abs(kl));
  const written = (kl) => {
    const size = Math.abs(kl);
    const text = size && (size < 1e-4 || size >= 1e15)
      ? kl.toExponential().replace(/e\+?(-?)(\d+)/, (_, sign, power) => " × 10" + (sign + power)
        .replace(/[-0-9]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]))
      : kl.toLocaleString("en-US", {maximumSignificantDigits: 6});
    return text.replace("-", "−");
  };
  // Evenly spaced on the screen, each moved to the roundest KL near it.
  const ticks = (low, high, most) => {
    const apart = (high - low) / most, found = new Map();
    for (let place = low; place <= high + apart / 2; place += apart) {
      const kl = place * Math.abs(place);
      const reach = Math.max(Math.abs(2 * place * apart), apart * apart) / 2;
      const power = 10 ** Math.floor(Math.log10(reach));
      const step = Math.max(...STEPS.map((s) => s * power).filter((s) => s <= reach * 1.0001));
      const round = Math.round(kl / step) * step;
      const at = root(Number(round.toPrecision(12)));
      if (at >= low && at <= high) found.set(Number(at.toPrecision(9)), Number(round.toPrecision(9)));
    }
    const kept = [];
    for (const [at, kl] of [...found].sort((a, b) => a[0] - b[0]))
      if (!kept.length || at - kept[kept.length - 1][0] >= apart * 0.6) kept.push([at, kl]);
    return kept;
  };
  window.rootTicks = {ticks, written};
  const fit = (chart) => {
    const layout = chart._fullLayout;
    if (chart.layout?.meta?.axis !== "sqrt_kl" || !layout?.xaxis?.range) return;
    const {range, _length: width} = layout.xaxis;
    const {range: sent, ticks: [at, said]} = chart.layout.meta;
    const whole = range.every((end, i) => Math.abs(end - sent[i]) < 1e-6 * (sent[1] - sent[0]));
    const kept = ticks(range[0], range[1], Math.max(4, Math.min(12, width / 60)));
    const asSent = whole && width > 480;  // a narrow screen has no room for those
    const values = asSent ? at : kept.map(([place]) => place);
    const texts = asSent ? said : kept.map(([, kl]) => written(kl));
    if (String(chart.layout.xaxis.ticktext) !== String(texts))
      window.Plotly.relayout(chart, {"xaxis.tickvals": values, "xaxis.ticktext": texts});
  };
  const attach = (chart) => {
    if (!chart.on || !chart.layout || chart.ticked === chart.on) return;
    chart.ticked = chart.on;
    fit(chart);
    // After every drawing: a chart drawn anew by its page or in a new width has its old ticks again.
    chart.on("plotly_afterplot", () => fit(chart));
  };
  const look = () => document.querySelectorAll(".js-plotly-plot").forEach(attach);
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
  look();
})();
