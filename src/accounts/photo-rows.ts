/** The stored side of photos: apart from photos.ts, so that what only changes records need not load the decoders. */
import type { PhotoHash } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { Photo } from './photos.ts'

/** A photo that `createPhotoMaker` made before: pictures are not worked on inside a transaction. */
export type PhotoChange = Photo | 'none'

/** Stores the photo and gives what a record then says of it; nothing when the photo stays as it is. */
export async function keptPhoto(
  tx: Db,
  photo: PhotoChange | undefined,
): Promise<{ photo?: PhotoHash | null }> {
  if (photo === undefined) return {}
  if (photo === 'none') return { photo: null }
  await tx
    .insertInto('photo')
    .values(photo)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return { photo: photo.hash }
}
