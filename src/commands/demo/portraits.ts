/** Portraits of the demo's people, drawn by code: flat faces as SVG, which the photo pipeline turns into WebP. */

export type Looks = {
  skin: string
  hair: string
  clothes: string
  background: string
  style: 'short' | 'long' | 'bob' | 'bun' | 'curly' | 'bald'
  beard?: boolean
  glasses?: boolean
}

const BEHIND: Record<Looks['style'], string> = {
  short: '',
  bald: '',
  curly:
    '<circle cx="84" cy="92" r="26"/><circle cx="172" cy="92" r="26"/><circle cx="104" cy="60" r="28"/><circle cx="152" cy="60" r="28"/><circle cx="128" cy="52" r="30"/>',
  long: '<path d="M66 118c0-48 28-74 62-74s62 26 62 74v74c0 10-8 14-18 14H84c-10 0-18-4-18-14z"/>',
  bob: '<path d="M68 116c0-46 26-70 60-70s60 24 60 70v34c0 12-10 16-20 16H88c-10 0-20-4-20-16z"/>',
  bun: '<circle cx="128" cy="42" r="24"/>',
}

const ABOVE: Record<Looks['style'], string> = {
  bald: '',
  short:
    '<path d="M78 104c-4-38 18-60 52-60 32 0 54 20 48 60-6-16-14-26-24-30-20 8-46 8-62 2-8 6-12 16-14 28z"/>',
  curly: '<path d="M82 96c2-24 18-40 46-40s44 16 46 40c-10-14-24-20-46-20s-36 6-46 20z"/>',
  long: '<path d="M80 108c0-36 18-58 48-58s48 22 48 58c-6-20-18-32-34-36-18 16-44 20-62 36z"/>',
  bob: '<path d="M80 106c0-36 18-56 48-56s48 20 48 56c-8-14-16-24-22-30-22 10-50 8-64 6-4 8-8 14-10 24z"/>',
  bun: '<path d="M80 106c0-36 18-56 48-56s48 20 48 56c-8-22-24-34-48-34s-40 12-48 34z"/>',
}

/** An SVG document of 256 by 256 units. */
export function portrait({
  skin,
  hair,
  clothes,
  background,
  style,
  beard,
  glasses,
}: Looks): string {
  const shade = '#00000018'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">
<rect width="256" height="256" fill="${background}"/>
<g fill="${hair}">${BEHIND[style]}</g>
<path d="M28 256c2-44 34-64 68-68h64c34 4 66 24 68 68z" fill="${clothes}"/>
<path d="M104 160h48v36c0 12-10 20-24 20s-24-8-24-20z" fill="${skin}"/>
<path d="M104 172c14 14 34 14 48 0v8c-14 12-34 12-48 0z" fill="${shade}"/>
<ellipse cx="128" cy="118" rx="48" ry="58" fill="${skin}"/>
<circle cx="80" cy="122" r="10" fill="${skin}"/><circle cx="176" cy="122" r="10" fill="${skin}"/>
${beard ? `<path d="M82 126c2 34 18 54 46 54s44-20 46-54c-8 16-14 20-22 20-12-6-36-6-48 0-8 0-14-4-22-20z" fill="${hair}"/>` : ''}
<g fill="${hair}">${ABOVE[style]}</g>
<circle cx="109" cy="116" r="5" fill="#2b2b33"/><circle cx="147" cy="116" r="5" fill="#2b2b33"/>
<path d="M100 103q9-6 18-1M138 102q9-5 18 1" stroke="${hair}" stroke-width="4" fill="none" stroke-linecap="round"/>
<path d="M128 118l-5 16q5 4 10 0" stroke="${shade}" stroke-width="4" fill="none" stroke-linecap="round"/>
<path d="M111 148q17 15 34 0" stroke="#8c3b3b" stroke-width="5" fill="none" stroke-linecap="round"/>
${glasses ? '<g fill="none" stroke="#2b2b33" stroke-width="4"><circle cx="109" cy="117" r="17"/><circle cx="147" cy="117" r="17"/><path d="M126 115q2-3 4 0M92 114l-14-4M164 114l14-4"/></g>' : ''}
</svg>`
}
