/** Rules of logins: their form, and which ones look alike. A login is never given away again. */
import { invalidInput } from '../base/errors.ts'

export const LOGIN = /^[a-z0-9][a-z0-9._-]{1,31}$/

/** A login as typed, in the form it is kept in; throws invalid-input. */
export function asLogin(text: string): string {
  const login = text.trim().toLowerCase()
  if (!LOGIN.test(login)) {
    throw invalidInput('login', 'Cannot use this login: it breaks the rules', 'login-form')
  }
  return login
}

/** What remains when everything that is easily mistaken is made the same; equal skeletons look alike. */
export function loginSkeleton(login: string): string {
  const plain = login.replace(/[._-]/g, '').replaceAll('0', 'o').replaceAll('1', 'l')
  return plain.replaceAll('i', 'l').replaceAll('rn', 'm').replaceAll('vv', 'w')
}

/** `login` or `login@branch` as typed; the branch is a name and may hold spaces and any letters. */
export function splitLogin(text: string): { login: string; branch: string | undefined } {
  const typed = text.trim().toLowerCase().normalize('NFC')
  const at = typed.indexOf('@')
  if (at < 0) return { login: typed, branch: undefined }
  return { login: typed.slice(0, at).trim(), branch: typed.slice(at + 1).trim() }
}
