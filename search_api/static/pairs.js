// Two shoes of one person are one thing to a shopper.

const CLOSE = 2.5; // Between the middles of a pair, in times the longer side of a shoe.
const ALIKE = 4; // How many times as large the nearer one may be.

const middle = ([x0, y0, x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];
const longer = ([x0, y0, x1, y1]) => Math.max(x1 - x0, y1 - y0);
const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
const around = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

const twice = (ring) => Math.abs(ring.reduce((sum, [x, y], index) => {
  const [nextX, nextY] = ring[(index + 1) % ring.length];
  return sum + x * nextY - nextX * y;
}, 0));

// Some pairs are found whole: their outline has two parts about as large.
function isOneShoe({ category, polygon }) {
  const [first = 0, second = 0] = polygon.map(twice).sort((a, b) => b - a);
  return category === "shoes" && ALIKE * second < first;
}

function apart(a, b) {
  const [[ax, ay], [bx, by]] = [middle(a), middle(b)];
  return Math.hypot(ax - bx, ay - by) / Math.max(longer(a), longer(b));
}

function couples(garments) {
  const shoes = garments.filter(isOneShoe);
  return shoes.flatMap((one, index) => shoes.slice(index + 1).map((other) => ({ one, other, far: apart(one.box, other.box) })))
    .filter(({ one, other, far }) => far < CLOSE
      && area(one.box) < ALIKE * area(other.box) && area(other.box) < ALIKE * area(one.box))
    .sort((a, b) => a.far - b.far);
}

// The garments of an answer, each with its `place` there. A pair is its larger shoe, the outline both.
export function asPairs(garments) {
  const all = garments.map((garment, place) => ({ ...garment, place }));
  const paired = new Map();
  for (const { one, other } of couples(all)) {
    if (paired.has(one) || paired.has(other)) continue;
    const [larger, smaller] = area(one.box) < area(other.box) ? [other, one] : [one, other];
    paired.set(smaller, null);
    paired.set(larger, { ...larger, box: around(one.box, other.box), polygon: [...one.polygon, ...other.polygon] });
  }
  return all.map((garment) => (paired.has(garment) ? paired.get(garment) : garment)).filter(Boolean);
}
