"""Whether what stands on a page can be read: scripts that a browser runs, each returns faults."""

MEETING = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap((chart, at) => {
  if (!chart.checkVisibility()) return [];  // folded: it takes its width when it is opened
  const labels = [...chart.querySelectorAll(
    '.annotation-text, [class$="tick"] text, text[class$="title"], [class$="title"] text')]
    .map(e => ({said: e.textContent, box: e.getBoundingClientRect()}))
    .filter(({box}) => box.width > 0 && box.height > 0);
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const outer = chart.getBoundingClientRect();
  return labels.flatMap(({said, box}, i) => [
    ...labels.slice(i + 1).filter(other => meet(box, other.box))
      .map(other => `chart ${at}: ${said} meets ${other.said}`),
    ...(box.right > outer.right + 2 || box.left < outer.left - 2
      ? [`chart ${at}: ${said} is cut`] : [])]);
})"""
FAINT = """() => {
  const parsed = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = ([r, g, b, a = 1], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  const light = rgb => { const [r, g, b] = rgb.map(c => (c /= 255) <= .03928 ? c / 12.92
      : ((c + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { const layers = [];
    for (; e; e = e.parentElement) {
      const paint = parsed(getComputedStyle(e).backgroundColor);
      if (paint.length && paint[3] !== 0) { layers.push(paint); if ((paint[3] ?? 1) === 1) break; }
    }
    return layers.reverse().reduce((under, paint) => over(paint, under), [255, 255, 255]); };
  const main = document.querySelector('[data-testid=stMain]');
  const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT), found = new Set();
  for (let node; node = walk.nextNode();) {
    const e = node.parentElement, said = node.nodeValue.trim();
    const box = e.getBoundingClientRect();
    if (!/[\\p{L}\\p{N}]/u.test(said) || !box.width || e.closest('style, script, canvas, .modebar'))
      continue;
    const look = getComputedStyle(e), svg = e.closest('svg');
    const ink = parsed(svg ? look.fill : look.color);
    let opacity = svg ? Number(look.fillOpacity) : 1;
    for (let up = e; up; up = up.parentElement) opacity *= Number(getComputedStyle(up).opacity);
    const under = ground(e), seen = over([...ink.slice(0, 3), (ink[3] ?? 1) * opacity], under);
    const [high, low] = [light(seen), light(under)].sort((a, b) => b - a);
    const size = parseFloat(look.fontSize), bold = Number(look.fontWeight) >= 700;
    const wanted = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    const ratio = (high + .05) / (low + .05);
    if (opacity && ratio < wanted) found.add(`${said.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return [...found];
}"""
