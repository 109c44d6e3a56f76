/** Countries of a continent: alpha-2 and alpha-3 codes of ISO 3166-1, written together. */
const COUNTRIES: Readonly<Record<string, string>> = {
  AF: `AOAGO BFBFA BIBDI BJBEN BWBWA CDCOD CFCAF CGCOG CICIV CMCMR CVCPV DJDJI DZDZA EGEGY EHESH ERERI ETETH GAGAB
    GHGHA GMGMB GNGIN GQGNQ GWGNB KEKEN KMCOM LRLBR LSLSO LYLBY MAMAR MGMDG MLMLI MRMRT MUMUS MWMWI MZMOZ NANAM NENER
    NGNGA REREU RWRWA SCSYC SDSDN SHSHN SLSLE SNSEN SOSOM SSSSD STSTP SZSWZ TDTCD TGTGO TNTUN TZTZA UGUGA YTMYT ZAZAF
    ZMZMB ZWZWE`,
  AN: "AQATA BVBVT GSSGS HMHMD TFATF",
  AS: `AEARE AFAFG AMARM AZAZE BDBGD BHBHR BNBRN BTBTN CCCCK CNCHN CXCXR GEGEO HKHKG IDIDN ILISR ININD IOIOT IQIRQ
    IRIRN JOJOR JPJPN KGKGZ KHKHM KPPRK KRKOR KWKWT KZKAZ LALAO LBLBN LKLKA MMMMR MNMNG MOMAC MVMDV MYMYS NPNPL OMOMN
    PHPHL PKPAK PSPSE QAQAT SASAU SGSGP SYSYR THTHA TJTJK TLTLS TMTKM TRTUR TWTWN UZUZB VNVNM YEYEM`,
  EU: `ADAND ALALB ATAUT AXALA BABIH BEBEL BGBGR BYBLR CHCHE CYCYP CZCZE DEDEU DKDNK EEEST ESESP FIFIN FOFRO FRFRA
    GBGBR GGGGY GIGIB GRGRC HRHRV HUHUN IEIRL IMIMN ISISL ITITA JEJEY LILIE LTLTU LULUX LVLVA MCMCO MDMDA MEMNE MKMKD
    MTMLT NLNLD NONOR PLPOL PTPRT ROROU RSSRB RURUS SESWE SISVN SJSJM SKSVK SMSMR UAUKR VAVAT`,
  NA: `AGATG AIAIA AWABW BBBRB BLBLM BMBMU BQBES BSBHS BZBLZ CACAN CRCRI CUCUB CWCUW DMDMA DODOM GDGRD GLGRL GPGLP
    GTGTM HNHND HTHTI JMJAM KNKNA KYCYM LCLCA MFMAF MQMTQ MSMSR MXMEX NINIC PAPAN PMSPM PRPRI SVSLV SXSXM TCTCA TTTTO
    USUSA VCVCT VGVGB VIVIR`,
  OC: `ASASM AUAUS CKCOK FJFJI FMFSM GUGUM KIKIR MHMHL MPMNP NCNCL NFNFK NRNRU NUNIU NZNZL PFPYF PGPNG PNPCN PWPLW
    SBSLB TKTKL TOTON TVTUV UMUMI VUVUT WFWLF WSWSM`,
  SA: "ARARG BOBOL BRBRA CLCHL COCOL ECECU FKFLK GFGUF GYGUY PEPER PYPRY SRSUR UYURY VEVEN",
};

/** What Fastly says of a country. */
export interface Country {
  readonly code: string;
  readonly code3: string;
  /** English, lower case, ASCII. */
  readonly name: string;
  /** `AF`, `AN`, `AS`, `EU`, `NA`, `OC`, `SA`: a continent, not a union of states. */
  readonly continent: string;
}

const ENGLISH = new Intl.DisplayNames("en", { type: "region" });

/** Letters without their marks, in lower case. */
function plainName(code: string): string {
  return (ENGLISH.of(code) ?? code)
    .normalize("NFD")
    .replaceAll("\u2019", "'")
    .replaceAll(/[^\x20-\x7e]/g, "")
    .toLowerCase();
}

const BY_CODE: ReadonlyMap<string, Country> = new Map(
  Object.entries(COUNTRIES).flatMap(([continent, list]) =>
    list.split(/\s+/).map((pair): [string, Country] => {
      const code = pair.slice(0, 2);
      return [code, { code, code3: pair.slice(2), name: plainName(code), continent }];
    }),
  ),
);

/** Every country of ISO 3166-1. */
export function listCountries(): readonly Country[] {
  return [...BY_CODE.values()];
}

/** The country of a two-letter code in either case, or `undefined`. */
export function findCountry(code: string): Country | undefined {
  return BY_CODE.get(code.toUpperCase());
}
