/** What a browser says it is, in two words a person recognises; only for the list of own sign-ins. */

/** In this order: every browser also names those it descends from. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/^w3m/i, 'w3m'],
  [/^lynx/i, 'Lynx'],
  [/^(?:links|elinks)/i, 'Links'],
  [/\bEdgA?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/i, 'Linux'],
]
export const DEVICE_CHARACTERS_MAX = 80

/** `Firefox, Linux` of a User-Agent; its first word when it is none we know. */
export function deviceOf(userAgent: string | undefined): string {
  const agent = userAgent ?? ''
  const named = (list: readonly (readonly [RegExp, string])[]) =>
    list.find(([pattern]) => pattern.test(agent))?.[1]
  const words = [named(BROWSERS) ?? agent.split(/[\s/]/, 1)[0], named(SYSTEMS)]
  return words
    .filter((word) => word !== undefined && word !== '')
    .join(', ')
    .slice(0, DEVICE_CHARACTERS_MAX)
}
