/** A worker of the floor: bcrypt of cost 10, one password after the other. */
import { parentPort } from 'node:worker_threads'
import { genSaltSync, hashSync } from 'bcryptjs'

const COST = 10
const salt = genSaltSync(COST)

parentPort?.on('message', ({ id, password }: { id: number; password: string }) => {
  hashSync(password, salt)
  parentPort?.postMessage(id)
})
