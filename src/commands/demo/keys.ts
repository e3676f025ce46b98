/** Single keys of the demo's terminal: cut, heal, kill, start, quit. */

type Keys = { close(): void }

/** Calls `onKey` for each key; Ctrl-C is `q`. Without a terminal (a pipe, a test) lines of single letters serve. */
export function readKeys(onKey: (key: string) => void): Keys {
  const { stdin } = process
  const isTerminal = stdin.isTTY === true
  if (isTerminal) stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  const onData = (text: string) => {
    for (const key of text) {
      if (key === '\u0003') onKey('q')
      else if (key.trim() !== '') onKey(key.toLowerCase())
    }
  }
  stdin.on('data', onData)
  return {
    close() {
      stdin.off('data', onData)
      if (isTerminal) stdin.setRawMode(false)
      stdin.pause()
    },
  }
}
