//! What metadata say about a picture.

/// Whether EXIF data say where the picture was taken.
pub(super) fn has_gps(exif: Vec<u8>) -> bool {
    // Behind the marker of JPEG, the data begin with the header of TIFF.
    let tiff = exif.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec);
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_raw(tiff.unwrap_or(exif));
    let read = read.or_else(|error| error.distill_partial_result(|_| ()));
    read.is_ok_and(|data| {
        data.fields().any(|field| {
            field.tag.context() == exif::Context::Gps && field.tag != exif::Tag::GPSVersionID
        })
    })
}

/// The name that a colour profile gives itself (ICC.1, section 9.2.41).
pub(super) fn profile_name(icc: &[u8]) -> Option<String> {
    let word = |at: usize| Some(u32::from_be_bytes(icc.get(at..at + 4)?.try_into().ok()?) as usize);
    let tags = word(128)?.min(100);
    let at = (0..tags)
        .map(|tag| 132 + tag * 12)
        .find(|at| icc.get(*at..*at + 4) == Some(b"desc"))?;
    let data = icc.get(word(at + 4)?..)?;
    let size =
        |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?) as usize);
    let name = match data.get(..4)? {
        b"desc" => String::from_utf8_lossy(data.get(12..12 + size(8)?.min(200))?).into_owned(),
        b"mluc" => {
            let (length, from) = (size(20)?.min(400), size(24)?);
            let units = data.get(from..from + length)?.chunks_exact(2);
            char::decode_utf16(units.map(|two| u16::from_be_bytes([two[0], two[1]])))
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => return None,
    };
    let name = name.trim_end_matches('\0').trim().to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_names_itself() {
        let mut icc = vec![0; 128];
        icc.extend(1_u32.to_be_bytes());
        icc.extend(b"desc");
        icc.extend(144_u32.to_be_bytes());
        icc.extend(20_u32.to_be_bytes());
        icc.extend(b"desc\0\0\0\0\0\0\0\x05sRGB\0");
        assert_eq!(profile_name(&icc).as_deref(), Some("sRGB"));
        for length in 0..icc.len() - 1 {
            let _ = profile_name(&icc[..length]);
        }
        assert_eq!(profile_name(b""), None);
    }

    #[test]
    fn gps_is_found_and_junk_is_none() {
        // One directory with a GPS pointer to a directory with one latitude reference.
        let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
        tiff.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0]);
        tiff.extend([0; 4]);
        tiff.extend([1, 0, 1, 0, 2, 0, 2, 0, 0, 0, b'N', 0, 0, 0, 0, 0, 0, 0]);
        assert!(has_gps(tiff.clone()));
        assert!(has_gps([b"Exif\0\0".to_vec(), tiff.clone()].concat()));
        assert!(!has_gps(tiff[..8].to_vec()));
        assert!(!has_gps(vec![0xff; 100]));
    }
}
