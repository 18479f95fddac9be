# The addon: one flat target. Instruction sets are regions inside the files (native/isa/target), never flags of a target.
{
  'targets': [{
    'target_name': 'lowbit',
    'sources': ['<!@(node native/sources.mjs)'],
    'include_dirs': ['.', '<!(node -p "require(\'node-addon-api\').include_dir")'],
    'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
    'cflags!': ['-O2', '-fno-omit-frame-pointer'],
    'cflags': ['-O3', '-Wall', '-Wextra', '-fvisibility=hidden', '-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math'],
    'cflags_cc!': ['-std=gnu++14', '-std=gnu++17', '-std=gnu++20', '-fexceptions', '-frtti'],
    'cflags_cc': ['-std=c++17', '-fno-exceptions', '-fno-rtti', '-fvisibility-inlines-hidden'],
    'conditions': [
      ['OS=="linux"', {'ldflags': ['-Wl,--gc-sections', '-Wl,-z,noexecstack', '-pthread']}],
      ['OS=="mac"', {
        'xcode_settings': {
          'GCC_OPTIMIZATION_LEVEL': '3',
          'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
          'CLANG_CXX_LIBRARY': 'libc++',
          'MACOSX_DEPLOYMENT_TARGET': '11.0',
          'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
          'GCC_ENABLE_CPP_RTTI': 'NO',
          'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
          'OTHER_CFLAGS': ['-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math', '-Wall', '-Wextra'],
        },
      }],
      ['OS=="win"', {
        # MSVC lets any function use any intrinsic; the files ask for the architecture by GCC's names.
        'conditions': [
          ['target_arch=="x64"', {'defines': ['__x86_64__=1']}],
          ['target_arch=="arm64"', {'defines': ['__aarch64__=1']}],
        ],
        'defines': ['NOMINMAX', 'WIN32_LEAN_AND_MEAN', '_HAS_EXCEPTIONS=0'],
        'msvs_settings': {
          'VCCLCompilerTool': {
            'Optimization': '2',
            'FavorSizeOrSpeed': '1',
            'ExceptionHandling': '0',
            'RuntimeTypeInfo': 'false',
            'AdditionalOptions': ['/std:c++17', '/fp:precise', '/fp:contract-', '/utf-8', '/Zc:__cplusplus', '/Zc:preprocessor'],
          },
        },
      }],
    ],
  }],
}
